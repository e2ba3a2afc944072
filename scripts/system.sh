# Sourced by the other scripts: packages of the system, which only root can install.

install_packages() { # PACKAGE…
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Missing here. With the system's package manager install what Debian calls: $*" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "Packages of the system are missing. Type this, then the same make command again:" >&2
        echo "    sudo apt-get update && sudo apt-get install -y $*" >&2
        exit 1
    fi
    echo "Installing packages of the system: $*"
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
}

has_screen() {
    case $(uname -s) in
    Linux) [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && [ "${QT_QPA_PLATFORM:-}" != offscreen ] ;;
    *) true ;;
    esac
}
