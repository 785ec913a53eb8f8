"""The folders of one Hub: who owns each, and who is let in.

A learner can write to their home and drop folders into the exchange's inbound, and to nothing else; they can
read what was released. The course with its key, the gradebook and what others handed in are the grader's alone.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from qinlian.errors import ClassroomError
from qinlian.hub.settings import GRADER, HubSettings

__all__ = ["bring_course", "check_way_in", "make_folders", "make_learners_disk"]

_COURSE_PARTS = ("course", "source", "release", "docs")
_EDITIONS = Path("course") / "editions"


def _folder(path: Path, owner: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    who = pwd.getpwnam(owner)
    os.chown(path, who.pw_uid, who.pw_gid)
    path.chmod(mode)


def make_folders(hub: HubSettings) -> None:
    """Make what is missing and set owners and modes. Raises ClassroomError."""
    inside = hub.exchange / hub.course_id
    plan = (
        (hub.state, "root", 0o755),
        (hub.private, "root", 0o700),
        (hub.private / "logs", "root", 0o700),
        (hub.course_root, GRADER, 0o700),
        (hub.classroom, GRADER, 0o700),
        *((hub.classroom / name, GRADER, 0o700) for name in ("submitted", "autograded", "feedback", "logs")),
        (hub.learners, "root", 0o755),
        (hub.homes, "root", 0o711),
        (hub.exchange, GRADER, 0o755),
        (inside, GRADER, 0o755),
        (inside / "outbound", GRADER, 0o755),
        # Nobody lists it, nobody touches another's folder in it.
        (inside / "inbound", GRADER, 0o1733),
        (inside / "feedback", GRADER, 0o711),
    )
    try:
        for path, owner, mode in plan:
            _folder(path, owner, mode)
    except OSError as error:
        raise ClassroomError(f"建不了课堂的文件夹（{error.filename}：{error.strerror}）；请检查磁盘空间") from error


def check_way_in(state: Path) -> None:
    """Raise ClassroomError when other users cannot get to ``state`` at all."""
    for folder in state.resolve().parents:
        if folder.exists() and not folder.stat().st_mode & 0o001:
            raise ClassroomError(
                f"{state} 在别的用户进不去的文件夹（{folder}）里，学员用不了；请用 --state 换一个位置，如 /srv/qinlian"
            )


def _is_mounted(path: Path) -> bool:
    return path.is_dir() and os.path.ismount(path)


def make_learners_disk(hub: HubSettings, gigabytes: int) -> str:
    """Give what learners can write to a disk of its own, in one file, so that filling it fills nothing else.

    A twentieth of it is kept for the grader, whose results must go out when learners have filled the rest.
    Returns a Chinese sentence for the administrator where that could not be done, else an empty one.
    """
    if gigabytes == 0 or _is_mounted(hub.learners):
        return ""
    image = hub.private / "learners.img"
    if hub.learners.is_dir() and any(hub.learners.iterdir()) and not image.exists():
        return f"学员的文件没有单独的磁盘，写满会影响整台机器；请把 {hub.learners} 放到独立的分区上"
    hub.learners.mkdir(exist_ok=True)
    fresh = not image.exists()
    try:
        if fresh:
            with image.open("xb") as file:
                os.fchmod(file.fileno(), 0o600)
                file.truncate(gigabytes * 10**9)
            # A small file needs an inode, and learners have many small files.
            _run("mkfs.ext4", "-q", "-F", "-m", "5", "-i", "8192", image)
            _run("tune2fs", "-u", pwd.getpwnam(GRADER).pw_uid, image)
        _run("mount", "-o", "loop,nosuid,nodev", image, hub.learners)
    except (OSError, subprocess.CalledProcessError):
        if not fresh:
            raise ClassroomError(
                f"学员的磁盘 {image} 挂不上；请检查它（fsck.ext4），不要删除，学员的答案在里面"
            ) from None
        image.unlink(missing_ok=True)
        return "这台机器不能给学员单独的磁盘，学员写满磁盘会影响整台机器；请把学员的文件夹放在独立的分区上"
    return ""


def _run(*command: object) -> None:
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


def bring_course(root: Path, hub: HubSettings) -> None:
    """Copy what grading needs of the course repository at ``root`` to the grader's folder.

    What was built replaces what was there; of the archive of editions nothing is ever lost on either side.
    Raises ClassroomError.
    """
    target = hub.course_root
    try:
        # Released on this machine and perhaps not yet kept in the repository.
        _unite(target / _EDITIONS, root / _EDITIONS)
        for name in _COURSE_PARTS:
            if (root / name).is_dir():
                fresh, old = target / f".{name}.new", target / f".{name}.old"
                for leftover in (fresh, old):
                    shutil.rmtree(leftover, ignore_errors=True)
                shutil.copytree(root / name, fresh, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
                _give(fresh)
                if (target / name).exists():
                    (target / name).rename(old)
                fresh.rename(target / name)
                shutil.rmtree(old, ignore_errors=True)
        config = target / "nbgrader_config.py"
        shutil.copyfile(root / "nbgrader_config.py", config)
        _give(config)
    except OSError as error:
        raise ClassroomError(f"课程没有复制到课堂里（{error.filename}：{error.strerror}）；请检查磁盘空间") from error


def _unite(source: Path, target: Path) -> None:
    """Copy files of ``source`` that ``target`` does not have."""
    if not source.is_dir():
        return
    for path in source.rglob("*"):
        there = target / path.relative_to(source)
        if path.is_file() and not path.is_symlink() and not there.exists():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, there)


def _give(path: Path) -> None:
    """Make everything at ``path`` the grader's, closed to everybody else."""
    who = pwd.getpwnam(GRADER)
    for each in (path, *path.rglob("*")):
        os.chown(each, who.pw_uid, who.pw_gid, follow_symlinks=False)
        if not each.is_symlink():
            each.chmod(0o700 if each.is_dir() else 0o600)
