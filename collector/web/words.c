/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const words[WORDS][LANGUAGES] = {
    [WORD_OVERVIEW] = {"Overview", "Vue d’ensemble"},
    [WORD_LEVELS] = {"Service levels", "Niveaux de service"},
    [WORD_SKIP] = {"Skip to content", "Aller au contenu"},
    [WORD_STALE] = {"Not up to date: the collector does not answer.",
                    "Pas à jour : le collecteur ne répond pas."},
    [WORD_PAUSED] = {"Paused while text is selected.",
                     "En pause tant que du texte est sélectionné."},
    [WORD_AS_OF] = {"as of", "au"},
    [WORD_PROBLEM_ONE] = {"problem", "problème"},
    [WORD_PROBLEM_MANY] = {"problems", "problèmes"},
    [WORD_NO_PROBLEM] = {"Every check is up", "Tous les contrôles sont bons"},
    [WORD_NO_CHECK] = {"no checks", "sans contrôle"},
    [WORD_NO_CHECKS_YET] = {"No check has reported yet", "Aucun contrôle n’a encore répondu"},
    [WORD_SERVICES] = {"Services", "Services"},
    [WORD_SERVICE] = {"Service", "Service"},
    [WORD_DEVICES] = {"Devices", "Équipements"},
    [WORD_DEVICE] = {"Device", "Équipement"},
    [WORD_CHECKS] = {"Checks", "Contrôles"},
    [WORD_CHECK] = {"Check", "Contrôle"},
    [WORD_OBJECTS] = {"Objects", "Objets"},
    [WORD_OBJECT] = {"Object", "Objet"},
    [WORD_AGENTS] = {"Agents", "Agents"},
    [WORD_AGENT] = {"Agent", "Agent"},
    [WORD_PARTS] = {"Collector", "Collecteur"},
    [WORD_PART] = {"Part", "Partie"},
    [WORD_RESTARTS] = {"Restarts", "Redémarrages"},
    [WORD_STATE] = {"State", "État"},
    [WORD_SINCE] = {"Since", "Depuis"},
    [WORD_FOR] = {"For", "Durée"},
    [WORD_REASON] = {"Reason", "Raison"},
    [WORD_DETAIL] = {"Detail", "Détail"},
    [WORD_CAUSE] = {"Cause", "Cause"},
    [WORD_MONTH_SO_FAR] = {"This month so far", "Ce mois jusqu’ici"},
    [WORD_TARGET] = {"Target", "Objectif"},
    [WORD_MEETS] = {"Met", "Atteint"},
    [WORD_YES] = {"yes", "oui"},
    [WORD_NO] = {"no", "non"},
    [WORD_LAST_HEARD] = {"Last heard", "Dernier message"},
    [WORD_LAST_ROW] = {"Last row", "Dernier relevé"},
    [WORD_NEWEST_VALUES] = {"Newest values", "Dernières valeurs"},
    [WORD_LABELS] = {"Labels", "Étiquettes"},
    [WORD_GRAPHS] = {"Graphs", "Graphiques"},
    [WORD_RANGE] = {"Range", "Période"},
    [WORD_PERIOD] = {"Period", "Période"},
    [WORD_SHOW] = {"Show", "Afficher"},
    [WORD_AVAILABILITY] = {"Availability", "Disponibilité"},
    [WORD_BETWEEN] = {"Between", "Entre"},
    [WORD_COVERAGE] = {"Coverage", "Couverture"},
    [WORD_OUTAGES] = {"Outages", "Coupures"},
    [WORD_OUTAGE_FROM] = {"From", "Du"},
    [WORD_OUTAGE_TO] = {"To", "Au"},
    [WORD_DURATION] = {"Duration", "Durée"},
    [WORD_STILL_OPEN] = {"still open", "en cours"},
    [WORD_CLASSES] = {"Where the time went", "Répartition du temps"},
    [WORD_POLICY] = {"Rules that were applied", "Règles appliquées"},
    [WORD_POLICY_HOURS] = {"Service hours", "Plage de service"},
    [WORD_POLICY_PLANNED] = {"Planned work", "Travaux planifiés"},
    [WORD_POLICY_UNKNOWN] = {"Unknown time", "Temps inconnu"},
    [WORD_POLICY_INITIAL] = {"State before the first result", "État avant le premier résultat"},
    [WORD_POLICY_WEIGHT] = {"Weight of degraded time", "Poids du temps dégradé"},
    [WORD_POLICY_SAMPLE] = {"A result is valid for", "Validité d’un résultat"},
    [WORD_POLICY_IGNORE] = {"Outages not counted below", "Coupures non comptées en dessous de"},
    [WORD_POLICY_NOTICE] = {"Notice of planned work", "Préavis des travaux planifiés"},
    [WORD_POLICY_QUOTA] = {"Quota of planned work", "Quota de travaux planifiés"},
    [WORD_ROUND_THE_CLOCK] = {"around the clock", "24 h sur 24"},
    [WORD_OWN_INTERVAL] = {"the check’s own interval", "l’intervalle du contrôle"},
    [WORD_NOT_DECIDABLE] = {"the sampling allows both", "l’échantillonnage permet les deux"},
    [WORD_NO_FIGURE] = {"nothing measured", "rien de mesuré"},
    [WORD_NO_OUTAGE] = {"No outage.", "Aucune coupure."},
    [WORD_NO_OUTAGE_SEEN] = {"Nothing was measured.", "Rien n’a été mesuré."},
    [WORD_TO] = {"to", "à"},
    [WORD_PROVISIONAL] = {"provisional: the period is not over",
                          "provisoire : la période n’est pas terminée"},
    [WORD_NO_CONTRACT] = {"The collector has no contract (contract: in its configuration).",
                          "Le collecteur n’a pas de contrat (contract: dans sa configuration)."},
    [WORD_NOTHING_YET] = {"Nothing yet.", "Rien pour l’instant."},
    [WORD_ERROR] = {"This cannot be shown", "Affichage impossible"},
    [WORD_THIS_MONTH] = {"this month", "ce mois"},
    [WORD_LAST_MONTH] = {"last month", "le mois dernier"},
    [WORD_TODAY] = {"today", "aujourd’hui"},
    [WORD_YESTERDAY] = {"yesterday", "hier"},
    [WORD_LAST_24H] = {"the last 24 hours", "les dernières 24 heures"},
    [WORD_LAST_7D] = {"the last 7 days", "les 7 derniers jours"},
    [WORD_QUARTER] = {"quarter", "trimestre"},
    [WORD_YEAR] = {"year", "année"},
    [WORD_VALUE] = {"Value", "Valeur"},
    [WORD_METRIC] = {"Metric", "Mesure"},
    [WORD_STATUS] = {"Reading", "Relevé"},
    [WORD_PACKETS] = {"Packets", "Paquets"},
    [WORD_TOP] = {"Heaviest talkers", "Plus gros volumes"},
    [WORD_TOP_HOSTS] = {"Hosts", "Hôtes"},
    [WORD_TOP_HOST] = {"Host", "Hôte"},
    [WORD_TOP_PREFIXES] = {"Networks", "Réseaux"},
    [WORD_TOP_PREFIX] = {"Network", "Réseau"},
    [WORD_TOP_SERVICES] = {"Applications by port", "Applications par port"},
    [WORD_TOP_SERVICE] = {"Port", "Port"},
    [WORD_TOP_BYTES] = {"Volume", "Volume"},
    [WORD_TOP_SHARE] = {"Share", "Part"},
    [WORD_TOP_RATE] = {"Rate", "Débit"},
    [WORD_TOP_ERROR] = {"± error", "± erreur"},
    [WORD_TOP_NOT_KEPT] = {"None are kept (talkers.retention: 0s in the collector’s "
                           "configuration).",
                           "Aucun n’est conservé (talkers.retention: 0s dans la configuration du "
                           "collecteur)."},
    [WORD_TOP_TOO_OLD] = {"Longer ago than they are kept.", "Au-delà de la durée de conservation."},
    [WORD_TOP_NO_DATA] = {"No report in this range.", "Aucun relevé sur cette période."},
    [WORD_TOP_EXPLAINED] = {"True volumes are within the error of what is shown. Hosts and "
                            "networks count what they send and what they receive.",
                            "Le volume réel est dans la marge d’erreur indiquée. Hôtes et réseaux "
                            "comptent ce qu’ils émettent et ce qu’ils reçoivent."},
};

static const struct {
    const char *state;
    const char *word[LANGUAGES];
} states[] = {
    {"up", {"up", "disponible"}},
    {"down", {"down", "en panne"}},
    {"degraded", {"degraded", "dégradé"}},
    {"unknown", {"unknown", "inconnu"}},
    {"ok", {"ok", "bon"}},
    {"partial", {"partial", "partiel"}},
    {"failed", {"failed", "échec"}},
    {"silent", {"silent", "muet"}},
    {"never", {"never heard", "jamais entendu"}},
    {"outside_hours", {"outside service hours", "hors plage de service"}},
    {"excluded", {"excluded", "exclu"}},
    {"planned", {"planned", "planifié"}},
    {"remove", {"leaves the reckoning", "sortent du calcul"}},
    {"credit", {"counts as up", "comptent comme disponibles"}},
    {"count", {"counts by its state", "comptent selon leur état"}},
    {"exclude", {"leaves the reckoning", "sort du calcul"}},
    {"last_before", {"as measured before", "comme mesuré avant"}},
    {"month", {"month", "mois"}},
    {"quarter", {"quarter", "trimestre"}},
    {"year", {"year", "année"}},
};

static const struct {
    const char *kind;
    const char *word[LANGUAGES];
} kinds[] = {
    {"interface", {"Interfaces", "Interfaces"}},
    {"traffic", {"Traffic as captured", "Trafic capturé"}},
    {"traffic-tcp", {"TCP as captured", "TCP capturé"}},
    {"traffic-dns", {"DNS as captured", "DNS capturé"}},
    {"traffic-flows", {"Flows as captured", "Flux capturés"}},
    {"traffic-vlan", {"VLANs as captured", "VLAN capturés"}},
    {"traffic-service", {"Services as captured", "Services capturés"}},
    {"traffic-ipfix", {"Flow export", "Export de flux"}},
    {"cpu", {"Processors", "Processeurs"}},
    {"memory", {"Memory", "Mémoire"}},
    {"pressure", {"Pressure", "Pression"}},
    {"paging", {"Paging", "Pagination"}},
    {"process", {"Named processes", "Processus nommés"}},
    {"ip", {"IP", "IP"}},
    {"icmp", {"ICMP", "ICMP"}},
    {"tcp", {"TCP", "TCP"}},
    {"udp", {"UDP", "UDP"}},
    {"sockets", {"Sockets", "Sockets"}},
    {"clock", {"The clock", "L’horloge"}},
    {"units", {"systemd units", "Unités systemd"}},
    {"perfdata", {"Values of plugins", "Valeurs des greffons"}},
    {"load", {"Load", "Charge"}},
    {"filesystem", {"File systems", "Systèmes de fichiers"}},
    {"storage", {"Memory and storage by SNMP", "Mémoire et stockage par SNMP"}},
    {"disk_space", {"Watched paths", "Chemins surveillés"}},
    {"processor", {"Processors by SNMP", "Processeurs par SNMP"}},
    {"cpu_time", {"Processor time by SNMP", "Temps processeur par SNMP"}},
    {"system", {"The system", "Le système"}},
    {"sensor", {"Sensors", "Capteurs"}},
    {"neighbour", {"Neighbours", "Voisins"}},
    {"disk", {"Disks", "Disques"}},
    {"check", {"Measurements of the checks", "Mesures des contrôles"}},
    {"device", {"The device itself", "L’équipement lui-même"}},
    {"agent", {"The agent itself", "L’agent lui-même"}},
};

const char *word(enum language language, enum word which)
{
    return words[which][language];
}

const char *language_code(enum language language)
{
    return language == LANGUAGE_FRENCH ? "fr" : "en";
}

bool language_parse(const char *code, enum language *language)
{
    for (int i = 0; i < LANGUAGES; i++) {
        if (strcmp(code, language_code((enum language)i)) == 0) {
            *language = (enum language)i;
            return true;
        }
    }
    return false;
}

/* One "fr-CH;q=0.9" of the list: how much it is wanted, from 0 to 1. */
static double weight_of(const char *item, size_t size)
{
    static const char mark[] = "q=";
    for (size_t i = 0; i + sizeof mark - 1 < size; i++) {
        if (strncasecmp(item + i, mark, sizeof mark - 1) == 0) {
            double weight = item[i + 2] == '1' ? 1 : 0;
            double place = 0.1;
            for (size_t k = i + 4; k < size && item[k] >= '0' && item[k] <= '9'; k++) {
                weight += place * (item[k] - '0');
                place /= 10;
            }
            return weight;
        }
    }
    return 1;
}

enum language language_accepted(const char *header)
{
    enum language best = LANGUAGE_ENGLISH;
    double best_weight = 0;
    while (*header != '\0') {
        header += strspn(header, " \t,");
        size_t size = strcspn(header, ",");
        for (int i = 0; i < LANGUAGES && size >= 2; i++) {
            bool is_it = strncasecmp(header, language_code((enum language)i), 2) == 0 &&
                         (size == 2 || strchr("-; \t", header[2]) != NULL);
            double weight = is_it ? weight_of(header, size) : 0;
            if (weight > best_weight) {
                best_weight = weight;
                best = (enum language)i;
            }
        }
        header += size;
    }
    return best;
}

const char *state_word(enum language language, const char *state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (strcmp(states[i].state, state) == 0) {
            return states[i].word[language];
        }
    }
    return state;
}

const char *kind_word(enum language language, const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].word[language];
        }
    }
    return kind;
}
