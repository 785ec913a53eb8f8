"""Question banks of other systems ⇄ items: Moodle XML, GIFT and QTI 2.1.

Every format reads into and writes from one record, ``asked.Asked``; ``assemble`` turns it into an item and
back, so what maps is decided in one place. ``gate`` tells formats apart and lets nothing hostile through;
``drafts`` decides what may join a course and what its author has to complete first.
"""
