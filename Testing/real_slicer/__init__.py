"""What is seen in a real Slicer only: ``python3 Testing/dev.py slicer PROGRAM [steps …]``.

- `runner` runs outside of Slicer: each step in a Slicer process of its own, and the summary.
- `inside` runs in Slicer: one step of `steps/`, in Qt's event loop, and its report.
- `user` works with the module's panel by its real widgets, `views` takes the screenshots.
- `heartbeat` notes how long the event loop is kept waiting; `servers` are other processes.
- `behaviours` asks Slicer what `slicerhost/slicer_behaviour.json` has recorded.

A step is a file of `steps/`: its docstring says what it does, and ``run(step)`` does it. A
generator waits by ``yield step.until(condition, what)``: Qt's event loop runs meanwhile, as for a
user.
"""
