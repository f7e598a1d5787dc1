"""Badges given by judgement: nominees, evidence, verdicts, people's decisions."""
