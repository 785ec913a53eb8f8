"""nbgrader's settings for this course. A classroom's own data lie in $QINLIAN_CLASSROOM (.classroom).

A Hub, which has many users, names its exchange and its gradebook too: $QINLIAN_EXCHANGE, $QINLIAN_DATABASE_URL.
"""

import os
from pathlib import Path

from qinlian.notebooks.placeholder import ANSWER_PLACEHOLDER
from qinlian.reports.formgrader import show_marking_aids

c = get_config()  # noqa: F821 - given by traitlets

root = Path(__file__).resolve().parent
classroom = root / os.environ.get("QINLIAN_CLASSROOM", ".classroom")
modules = sorted(path.name for base in ("modules", "local") for path in (root / "course" / base).glob("*/"))

c.CourseDirectory.course_id = "qinlian"
c.CourseDirectory.root = str(root)
c.CourseDirectory.db_url = os.environ.get("QINLIAN_DATABASE_URL") or f"sqlite:///{classroom / 'gradebook.db'}"
c.CourseDirectory.submitted_directory = str(classroom / "submitted")
c.CourseDirectory.feedback_directory = str(classroom / "feedback")
if classroom != root / ".classroom":
    c.CourseDirectory.autograded_directory = str(classroom / "autograded")
c.Exchange.root = os.environ.get("QINLIAN_EXCHANGE") or str(classroom / "exchange")
c.Exchange.timezone = "UTC"
c.ExchangeFactory.collect = "qinlian.grading.collect.QinlianCollect"
c.ExchangeFactory.release_assignment = "qinlian.grading.release.QinlianRelease"
c.ExchangeFactory.release_feedback = "qinlian.grading.release.QinlianReleaseFeedback"
# In the local classroom, which leaves this mark, everybody is one user of this machine.
if (classroom / "one-user").is_file():
    c.QinlianCollect.check_owner = False
# In a cluster learners have no unix accounts: whose a submission is, the roster says by its owner's number.
c.QinlianCollect.owners = os.environ.get("QINLIAN_OWNERS") or "accounts"
# formgrader as a service of the Hub asks it who is in which group.
if os.environ.get("JUPYTERHUB_SERVICE_NAME"):
    c.Authenticator.plugin_class = "nbgrader.auth.JupyterHubAuthPlugin"
c.GenerateFeedback.preprocessors = ["qinlian.grading.feedback.GetMarks"]
c.GenerateFeedback.exporter_class = "qinlian.grading.feedback.FeedbackExporter"
# nbgrader's own CSV neither quotes nor says how it is encoded: a comma in a name moves every mark behind it.
c.ExportApp.plugin_class = "qinlian.reports.nbgrader_export.GradebookExport"

# Under each reflection formgrader shows rubric, reusable comments and similarity notices, to the instructor alone.
show_marking_aids(c, earlier=classroom / "earlier")

c.ClearSolutions.text_stub = ANSWER_PLACEHOLDER
# answers.json is the learner's own: nbgrader must never put one of ours over it.
c.Autograde.exclude_overwriting = {name: ["answers.json"] for name in modules}
c.OverwriteCells.add_missing_cells = True
# The first step puts the released notebook back, so what else nbgrader does here by default (clear outputs,
# drop duplicates, restore the kernel's name, check metadata) would find nothing to do.
c.Autograde.sanitize_preprocessors = [
    "qinlian.grading.preprocess.PutBackReleased",
    "nbgrader.preprocessors.OverwriteCells",
    "qinlian.grading.preprocess.PlaceReflections",
]
# The learner's notebook is never run: GradeFromAnswers stands in the place of nbgrader's Execute. It leaves
# neither long outputs nor messages nor times of execution, so the steps that trim those are left out.
c.Autograde.autograde_preprocessors = [
    "qinlian.grading.preprocess.GradeFromAnswers",
    "qinlian.grading.preprocess.SaveGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
