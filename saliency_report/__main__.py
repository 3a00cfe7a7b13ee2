"""`python -m saliency_report` is `saliency-report`."""

from saliency_report.cli import main

main()
