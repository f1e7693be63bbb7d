"""An unmodified Python client of OpenAI talks to the service; what it got goes to stdout as JSON."""

import json
import sys

from openai import OpenAI

given = json.load(sys.stdin)
client = OpenAI(base_url=given["base_url"], api_key="none", max_retries=0)
model = "rehearsal/script"
metadata = {"session_id": given["session"]}
with_server_tool, streamed, with_client_tool = given["turns"]
lookup = {
    "type": "function",
    "function": {
        "name": "lookup",
        "description": "Looks a word up.",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    },
}
told = {}

messages = [{"role": "user", "content": with_server_tool}]
answer = client.chat.completions.create(model=model, messages=messages, metadata=metadata)
told["whole"] = answer.choices[0].message.content

messages += [answer.choices[0].message, {"role": "user", "content": streamed}]
text = ""
for chunk in client.chat.completions.create(model=model, messages=messages, metadata=metadata, stream=True):
    if chunk.choices and chunk.choices[0].delta.content:
        text += chunk.choices[0].delta.content
told["streamed"] = text

messages += [{"role": "assistant", "content": text}, {"role": "user", "content": with_client_tool}]
asked = client.chat.completions.create(model=model, messages=messages, metadata=metadata, tools=[lookup])
call = asked.choices[0].message.tool_calls[0]
told["client_tool"] = {"name": call.function.name, "arguments": call.function.arguments}

messages += [
    asked.choices[0].message,
    {"role": "tool", "tool_call_id": call.id, "content": "meaning of three"},
]
last = client.chat.completions.create(model=model, messages=messages, metadata=metadata, tools=[lookup])
told["after_tool"] = last.choices[0].message.content

first = client.responses.create(model=model, input="say the first")
told["response"] = first.output_text
text = ""
for event in client.responses.create(
    model=model, input="stream 3 10 the second", previous_response_id=first.id, stream=True
):
    if event.type == "response.output_text.delta":
        text += event.delta
told["response_streamed"] = text

print(json.dumps(told))
