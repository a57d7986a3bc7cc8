"""Reports as people read them: one document for screen, paper and mail, tables, and the frozen text itself.

All of it is made from a report's content and nothing else, so that a figure is the same to the last digit everywhere.
"""
