"""The class report: one page that explains itself, and the same tables as a workbook."""
