"""Every error this package raises, in one small tree.

QinlianError
├── CourseError            the course text cannot be used; carries diagnostics
├── BuildError             source/ or release/ cannot be made, or is stale
├── AnswersError           answers.json cannot be graded as it is
├── SubmissionError        a submission folder in the exchange is refused
├── GradingError           the grader cannot do its work (no key, no gradebook)
│   └── ClaimError         another grader took over what this one was at
├── StoreError             answers could not be saved on the learner's side
├── RosterError            the roster cannot be read or changed
├── HubError               the Hub, or the unix accounts of its people, cannot be brought up to date
├── SignInError            nobody can be let in: the roster or the sign-in store cannot be read
├── FontError              no Chinese font to put into a page or a certificate
├── CertificateError       a certificate cannot be issued, revoked or checked
├── BackupError            a backup cannot be made, or must not be restored
└── ClassroomError         the local classroom cannot start

Every message is Chinese, names the file or record, and says the way out.
"""

from __future__ import annotations

__all__ = [
    "AnswersError",
    "BackupError",
    "BuildError",
    "CertificateError",
    "ClaimError",
    "ClassroomError",
    "CourseError",
    "FontError",
    "GradingError",
    "HubError",
    "QinlianError",
    "RosterError",
    "SignInError",
    "StoreError",
    "SubmissionError",
]


class QinlianError(Exception):
    """Base of all our errors; ``str(error)`` is a Chinese sentence for the user."""


class CourseError(QinlianError):
    """The course text has errors.

    ``diagnostics`` holds every problem found (see ``qinlian.core.diagnostics``).
    """

    def __init__(self, message: str, diagnostics: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class BuildError(QinlianError):
    """source/ or release/ could not be made, or does not match course/."""


class AnswersError(QinlianError):
    """answers.json is missing, damaged, too large or not of this module.

    ``code`` is a stable short word for the responses table and tests.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class SubmissionError(QinlianError):
    """A folder in the exchange's inbound is refused; ``code`` as in AnswersError."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class GradingError(QinlianError):
    """The grader lacks what it needs: the course, an edition, the gradebook."""


class ClaimError(GradingError):
    """Another grader took over what this one was at, so this one must not write."""


class StoreError(QinlianError):
    """An answer could not be written on the learner's side."""


class RosterError(QinlianError):
    """The roster or its sheet cannot be read or changed."""


class HubError(QinlianError):
    """The Hub or the unix accounts of its people cannot be brought up to date."""


class SignInError(QinlianError):
    """The roster or the Hub's sign-in store cannot be read or written, so nobody can be let in."""


class FontError(QinlianError):
    """This machine has no Chinese font that may be embedded, or the one that was named cannot be read."""


class CertificateError(QinlianError):
    """A certificate cannot be issued, revoked or checked."""


class BackupError(QinlianError):
    """A backup cannot be made, or a file is no backup that may be restored here."""


class ClassroomError(QinlianError):
    """The local classroom cannot be set up or started."""
