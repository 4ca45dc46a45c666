"""Runs the Python suites and ends on one line of counts."""

import sys
import unittest
from pathlib import Path

here = Path(__file__).parent
suite = unittest.defaultTestLoader.discover(str(here), top_level_dir=str(here))
result = unittest.TextTestRunner(verbosity=2).run(suite)
failed = len(result.failures) + len(result.errors)
# A class whose server did not start fails without a test of its own having run.
passed = max(0, result.testsRun - failed - len(result.skipped))
print(f"compat-py: {passed} passed, {failed} failed, {len(result.skipped)} skipped")
sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
