"""Every mutation of the list can be made, and its test cites the statement; run.py makes them (label mutation)."""
import sys
import unittest

import mutations


class List(unittest.TestCase):
    def test_every_mutation_can_be_made(self):
        for mutation in mutations.load():
            with self.subTest(mutation=mutation):
                self.assertIsNone(mutations.problem(mutation))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
