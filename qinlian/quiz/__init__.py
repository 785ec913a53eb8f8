"""The learner's side of one lesson: the widget, the answer file, the front end."""
