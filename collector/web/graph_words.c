/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The graph definitions' titles and legends in the pages' other languages. */
#include "words.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *english;
    const char *french;
} graph_words[] = {
    {"Traffic", "Trafic"},
    {"In", "Entrant"},
    {"Out", "Sortant"},
    {"Packets", "Paquets"},
    {"Errors and discards", "Erreurs et rejets"},
    {"Errors in", "Erreurs entrantes"},
    {"Discards in", "Rejets entrants"},
    {"Errors out", "Erreurs sortantes"},
    {"Discards out", "Rejets sortants"},
    {"State", "État"},
    {"Administrative", "Administratif"},
    {"Operational", "Opérationnel"},
    {"up", "active"},
    {"down", "inactive"},
    {"testing", "en test"},
    {"unknown", "inconnu"},
    {"dormant", "en sommeil"},
    {"not present", "absente"},
    {"lower layer down", "couche inférieure inactive"},
    {"changing", "en transition"},
    {"ok", "bon"},
    {"unavailable", "indisponible"},
    {"not operational", "hors service"},
    {"Speed", "Débit nominal"},
    {"Unknown protocols in", "Protocoles inconnus"},
    {"Unicast in", "Monodiffusion entrante"},
    {"Multicast in", "Multidiffusion entrante"},
    {"Broadcast in", "Diffusion entrante"},
    {"Multicast and broadcast in", "Multidiffusion et diffusion entrantes"},
    {"Unicast out", "Monodiffusion sortante"},
    {"Multicast out", "Multidiffusion sortante"},
    {"Broadcast out", "Diffusion sortante"},
    {"Multicast and broadcast out", "Multidiffusion et diffusion sortantes"},
    {"Traffic by protocol", "Trafic par protocole"},
    {"All frames", "Toutes les trames"},
    {"Frames", "Trames"},
    {"Other", "Autres"},
    {"Packets by protocol", "Paquets par protocole"},
    {"Faults", "Défauts"},
    {"Malformed", "Malformées"},
    {"Dropped by capture", "Perdues à la capture"},
    {"Processor time", "Temps processeur"},
    {"User", "Utilisateur"},
    {"Nice", "Priorité basse"},
    {"System", "Système"},
    {"Interrupts", "Interruptions"},
    {"Soft interrupts", "Interruptions logicielles"},
    {"Stolen", "Volé"},
    {"Waiting for disks", "Attente des disques"},
    {"Idle", "Inactif"},
    {"Memory", "Mémoire"},
    {"Available", "Disponible"},
    {"Cached", "Cache"},
    {"Buffers", "Tampons"},
    {"Free", "Libre"},
    {"Swap", "Mémoire d’échange"},
    {"Load", "Charge"},
    {"Space", "Espace"},
    {"Free for root", "Libre pour root"},
    {"Used", "Utilisé"},
    {"Size", "Taille"},
    {"Processes and users", "Processus et utilisateurs"},
    {"Processes", "Processus"},
    {"Users", "Utilisateurs"},
    {"Disk traffic", "Débit des disques"},
    {"Read", "Lu"},
    {"Written", "Écrit"},
    {"Disk operations", "Opérations"},
    {"Reads", "Lectures"},
    {"Writes", "Écritures"},
    {"Disk busy", "Occupation"},
    {"Busy", "Occupé"},
    {"Response time", "Temps de réponse"},
    {"Answer", "Réponse"},
    {"First byte", "Premier octet"},
    {"Connected", "Connecté"},
    {"Uptime", "En marche depuis"},
    {"Spool", "File d’attente"},
    {"Batches on the way", "Lots en route"},
    {"Not acknowledged", "Non acquittés"},
};

const char *graph_word(enum language language, const char *text)
{
    for (size_t i = 0; language == LANGUAGE_FRENCH && i < sizeof graph_words / sizeof *graph_words;
         i++) {
        if (strcmp(graph_words[i].english, text) == 0) {
            return graph_words[i].french;
        }
    }
    return text;
}
