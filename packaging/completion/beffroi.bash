# SPDX-License-Identifier: GPL-3.0-or-later
# Bash completion of beffroi, beffroi-agent and beffroi-collector; installed under each of the names.

# Devices as the collector knows them; one that does not answer at once offers none. Not by
# "compgen -W", which would run what a name says.
_beffroi_devices() {
    local device
    while IFS= read -r device; do
        [[ $device != "$current"* ]] || COMPREPLY+=("$(printf %q "$device")")
    done < <(timeout 1 beffroi device 2>/dev/null | sed -n '2,$s/  .*//p')
}

# _beffroi_words WORD…: those that begin as the current one.
_beffroi_words() {
    mapfile -t COMPREPLY < <(compgen -W "$*" -- "$current")
}

_beffroi_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

# What stands after an option; fails when the option has no value.
_beffroi_value() {
    case $1 in
    --format) _beffroi_words text json ;;
    --colour) _beffroi_words auto always never ;;
    --contract | --output | -o) _beffroi_files ;;
    --period) _beffroi_words today yesterday this-month last-month last-24h last-7d last-30d ;;
    --list) _beffroi_words hosts prefixes services ;;
    --last) _beffroi_words 10m 1h 6h 1d 7d 30d ;;
    --from | --to) _beffroi_words now -1h -6h -1d -7d -30d ;;
    --device) _beffroi_devices ;;
    --collector | --check | --graph | --service | --width | --height | --number | -n) COMPREPLY=() ;;
    *) return 1 ;;
    esac
}

_beffroi() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local verb=${COMP_WORDS[1]} common="--collector --format --colour --help"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        _beffroi_words status device graph top sla evidence keys --help --version
        return
    fi
    _beffroi_value "$previous" && return
    case $verb:$current in
    graph:-*) _beffroi_words --output -o --graph --from --to --width --height "$common" ;;
    top:-*) _beffroi_words --list --last --from --to --number -n "$common" ;;
    sla:-*) _beffroi_words --contract --period --service "$common" ;;
    evidence:-*) _beffroi_words --device --check --from --to "$common" ;;
    *:-*) _beffroi_words "$common" ;;
    device:*) _beffroi_devices ;;
    top:*) [ "$COMP_CWORD" -ne 2 ] || _beffroi_devices ;;
    evidence:*) [ "$COMP_CWORD" -ne 2 ] || _beffroi_words export ;;
    sla:*) [ "$COMP_CWORD" -ne 2 ] || _beffroi_words show check ;;
    keys:*) if [ "$COMP_CWORD" -eq 2 ]; then _beffroi_words new show; else _beffroi_files; fi ;;
    esac
}

_beffroi_daemon() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local options="-c --config -n -v --print-example --version --help"
    [ "${1##*/}" != beffroi-collector ] || options+=" --check --verbose"
    if [ "${1##*/}" = beffroi-agent ]; then
        options+=" --print-profiles --print-profile"
        if [ "${COMP_WORDS[1]}" = poll ] && [ "$COMP_CWORD" -gt 1 ]; then
            options="-c --config --once --device --format -h --help"
        elif [ "${COMP_WORDS[1]}" = meter ] && [ "$COMP_CWORD" -gt 1 ]; then
            options="--read -i --interface --interval --for --format --top --exact-addresses --own"
            options+=" --filter --promiscuous --flows --user --ipfix -h --help"
        elif [ "$COMP_CWORD" -eq 1 ]; then
            options+=" poll meter"
        fi
    fi
    COMPREPLY=()
    case $previous in
    -c | --config | --read) _beffroi_files ;;
    -i | --interface) _beffroi_words "$(cd /sys/class/net 2>/dev/null && echo *)" ;;
    --interval | --for | --top | --own | --filter | --flows | --user | --ipfix) COMPREPLY=() ;;
    --format) _beffroi_words text json ;;
    --device) COMPREPLY=() ;;
    --print-profile) _beffroi_words "$(timeout 1 beffroi-agent --print-profiles 2>/dev/null)" ;;
    *) _beffroi_words "$options" ;;
    esac
}

complete -F _beffroi beffroi
complete -F _beffroi_daemon beffroi-agent beffroi-collector
