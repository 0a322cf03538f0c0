"""The engine: the protocol that the work goes by, vLLM behind it, and what keeps vLLM alive.

Imports `corpus`, `models`, `machine`, and errors and events. It alone imports vllm.
"""
