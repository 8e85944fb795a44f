"""Answers under a public-records law: what is released, and a code for everything that is not. Pure."""
