"""An unmodified Python client of OpenAI sends an image and a document, on both surfaces; what it got goes to stdout as JSON."""

import json
import sys

from openai import APIStatusError, OpenAI

given = json.load(sys.stdin)
client = OpenAI(base_url=given["base_url"], api_key="none", max_retries=0)
told = {}

content = [
    {"type": "text", "text": "What is in them?"},
    {"type": "image_url", "image_url": {"url": given["image"]}},
    {"type": "file", "file": {"filename": "secret.pdf", "file_data": given["document"]}},
]
messages = [{"role": "user", "content": content}]
metadata = {"session_id": given["session"]}
answer = client.chat.completions.create(model="model-a", messages=messages, metadata=metadata)
told["chat"] = answer.choices[0].message.content

messages += [answer.choices[0].message, {"role": "user", "content": "And again?"}]
answer = client.chat.completions.create(model="model-a", messages=messages, metadata=metadata)
told["chat_again"] = answer.choices[0].message.content

response = client.responses.create(
    model="model-a",
    input=[
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is in it?"},
                {"type": "input_image", "image_url": given["image"], "detail": "auto"},
            ],
        }
    ],
)
told["response"] = response.output_text

try:
    bad = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}]}]
    client.chat.completions.create(model="model-a", messages=bad)
except APIStatusError as error:
    told["refused"] = {"status": error.status_code, "code": error.code, "param": error.param}

print(json.dumps(told))
