"""One module per action. Each has `attempt(context, request, nonce, result)`: one try with its own deadline, noted in `result`.

A try that ends early raises `Failed`; whoever runs it adds that to the result.
"""
