"""What the library costs, side by side with its peers and with the same work done bare.

`python -m benchmarks` measures and judges; `--help` says the rest. From the ground up:

- `workloads`: the prepared streams and what is in them, so that every peer's counts can be checked.
- `server`: a process of its own that sends them.
- `adapters`: one file a peer; each reads a stream to its end and says what it saw.
- `rounds`: interleaved rounds and their cost in CPU time.
- `sections`, `targets`: which peers meet on which streams, and which ratios are asked for. New streams, peers and
  targets are new rows there.
- `memory`, `imports`: two figures that are no ratio of CPU times.
- `streams`, `soak`: many streams at once and one after the other, with `stream_server` and `process` below them.
- `tools`: a stream that runs its tools beside the same loop by hand, with a server of its own.
- `report`, `plot`: how results are shown.
- `instructions`: whole requests and the import in machine instructions, which repeat to under 1 %; `guard` holds them
  against a baseline. `counting` runs `counted` under valgrind for both.
- `step_counts`: machine instructions an event of splitting, decoding, folding and encoding.
- `micro`: the same steps timed one by one with pytest-benchmark, so that a regression can be bisected.
"""
