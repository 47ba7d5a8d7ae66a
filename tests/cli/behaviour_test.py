"""Ctrl-C, closed pipes, terminals: how the program behaves between other programs."""
import json
import os
import pty
import signal
import subprocess
import time
import unittest

import program


class LongSolve(program.ProgramTest):
    """A model whose solve by value iteration takes far longer than the test."""

    def setUp(self):
        super().setUp()
        self.mdp("generate", "gridworld", "--width", "400", "--height", "400", "--slip", "0.45", "--discount", "0.9999999",
                 "--output", "big.npz")  # fmt: skip
        self.long = [program.PROGRAM, "solve", "big.npz", "--method", "value-iteration", "--tolerance", "1e-9"]

    def interrupt(self, process, seconds=4.0):  # with sanitizers, beside other tests, it takes a while to start
        time.sleep(seconds)
        self.assertIsNone(process.poll(), "the solve ended before it was interrupted")
        process.send_signal(signal.SIGINT)

    def test_interrupt_gives_the_best_bounds_so_far(self):
        process = subprocess.Popen([*self.long, "--json"], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.interrupt(process)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        result = json.loads(out)
        self.assertEqual(result["status"], "interrupted")
        self.assertEqual(len(result["value"]), 160000)
        self.assertTrue(all(low <= high for low, high in zip(result["value_lower"], result["value_upper"])))
        self.assertGreater(result["sweeps"], 0)
        self.assertEqual(err, "")

    def test_time_limit(self):
        result = self.json("solve", "big.npz", "--method", "value-iteration", "--time-limit", "0.2", code=1)
        self.assertEqual(result["status"], "time_limit")

    def test_progress_on_a_terminal_is_erased_and_quiet_has_none(self):
        for quiet, shown in (([], True), (["--quiet"], False)):
            reader, terminal = pty.openpty()
            process = subprocess.Popen([*self.long, *quiet], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=terminal,
                                       env=dict(os.environ, TERM="xterm"))  # fmt: skip
            os.close(terminal)
            self.interrupt(process)
            seen = b""
            try:
                while chunk := os.read(reader, 4096):
                    seen += chunk
            except OSError:
                pass  # the other end is closed
            os.close(reader)
            process.wait(timeout=60)
            self.assertEqual(b"sweep" in seen, shown, seen)
            if shown:
                self.assertTrue(seen.endswith(b"\r\x1b[K"), seen[-80:])


class Pipes(program.ProgramTest):
    def test_a_reader_that_goes_away_is_no_crash(self):
        self.mdp("generate", "garnet", "--states", "20000", "--discount", "0.5", "--output", "g.npz")
        process = subprocess.Popen([program.PROGRAM, "solve", "g.npz", "--json"], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)  # fmt: skip
        process.stdout.read(10)
        process.stdout.close()
        err = process.stderr.read()
        process.stderr.close()
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(err, b"")

    def test_nothing_but_json_on_standard_output(self):
        model = self.two_states()
        for command in (["info", model], ["solve", model], ["equivalent-cost", "--world", model, "--model", model],
                        ["equivalent-model", "--world", model], ["gradient", "--file", model],
                        ["estimate", "--model", model, "--horizon", "3"], ["convert", model, "copy.npz"],
                        ["generate", "garnet", "--output", "g.json"]):  # fmt: skip
            out = self.mdp(*command, "--json").stdout
            self.assertTrue(out.startswith("{") and out.endswith("}\n"), out[:80])
            json.loads(out, parse_constant=lambda word: self.fail(f"{word} is not JSON"))


if __name__ == "__main__":
    program.main()
