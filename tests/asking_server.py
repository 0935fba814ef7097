"""A server's reply to calls that asks for input first."""

import json

from aiohttp import web

ASKS = {"name": {"method": "elicitation/create", "params": {"message": "Who?"}}}
ANSWERS = {"name": {"action": "accept", "content": {"name": "Luca", "password": "hunter2"}}}


class Asking:
    """A server's `reply` that asks for input so many times, then answers."""

    def __init__(self, rounds=1, state='"s\\u00e9cret/1"', *, streams=False):
        self.left = rounds
        self.state = state
        self.streams = streams
        self.bodies = []

    async def __call__(self, message, request):
        self.bodies.append(await request.read())
        number = json.dumps(message["id"])
        if not self.left:
            text = f'{{"jsonrpc":"2.0","id":{number},"result":{{"resultType":"complete",'
            text += '"content":[{"type":"text","text":"hello"}]}}'
        else:
            self.left -= 1
            state = "" if self.state is None else f'"requestState" : {self.state}, '
            text = f'{{"jsonrpc":"2.0","id":{number}, "result" : {{{state}"n":1.50,'
            text += f'"resultType":"input_required","inputRequests":{json.dumps(ASKS)}}}}}'
        if not self.streams:
            return web.Response(body=text.encode(), content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hi\n\nid: 1\nevent: message\n")
        first, second = text[: len(text) // 2], text[len(text) // 2 :]
        await response.write(b"data: " + first.encode())
        await response.write(second.encode().replace(b', "', b',\ndata: "') + b"\n\n")
        return response
