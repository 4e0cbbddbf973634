"""What of a server's words browsers are told: no address, no key, no JSON; and the words that stay as they are."""

import pytest

from asyncstream.relay.words import MOST_WORDS, public_words

ADDRESSES = [
    "10.20.30.40",
    "10.20.30.40:9000",
    "[::1]:8000",
    "::1",
    "fe80::1%eth0",
    "2001:db8::8a2e:370:7334",
    "::ffff:10.0.0.1",
    "ip-10-20-30-40",
    "http://10.20.30.40:9000/v1",
    "https://my-res.openai.azure.com",
    "https://user:pass@gpu.corp/v1?api-key=abc#x",
    r"http:\/\/10.0.0.1\/v1",
    "unix:///var/run/llm.sock",
    "unix:/run/llm.sock",
    "/var/run/llm.sock",
    "redis://cache:6379/0",
    "llm-7.corp.example",
    "LLM-7.CORP.EXAMPLE",
    "my-res.openai.azure.com",
    "api.openai.com",
    "*.openai.azure.com",
    "vllm-0.vllm.default.svc.cluster.local",
    "my_service.default.svc",
    "host.docker.internal",
    "gpu01.dc2.mycompany",
    "gpu.acme:8000",
    "example.co.uk",
    "llm7.example.xn--p1ai",
    "localhost",
    "LOCALHOST:11434",
    "ollama:11434",
    "vllm-service:443",
    "/subscriptions/6d1f/resourceGroups/rg/providers/Microsoft.CognitiveServices/accounts/my-res",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/x",
]

KEYS = [
    "sk-abcdefgh1234",
    "sk-ab****yz",
    "sk-ant-api03-abcdefgh",
    "sk_live_abcdefgh1234",
    "gsk_abcdefgh12345678",
    "AIzaSyA1234567890abc",
    "eyJhbGciOiJIUzI1NiJ9.e30.abc",
    "xai-abcdefgh1234",
    "hf_abcdefghijkl",
    "r8_abcdefghijkl",
    "pplx-abcdefghijkl",
    "nvapi-abcdefghijkl",
    "csk-abcdefghijkl",
    "ghp_abcdefghijkl",
    "github_pat_abcdefghijkl",
    "xoxb-1234567890-abc",
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ya29.a0AfH6SMBabcdef",
    "dapi0123456789abcdef",
    "0123456789abcdef0123456789abcdef",
    "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA==",
    "550e8400-e29b-41d4-a716-446655440000",
    "org-abcdef123",
    "proj_AbCdEfGhIj",
    "sess-abcdef123",
    "key-0123456789",
]


@pytest.mark.parametrize("secret", ADDRESSES + KEYS)
@pytest.mark.parametrize(
    "words",
    ["{}", "no route to {}", "({}), but", "'{}' failed", 'got "{}".', "at={}; next", "x: {}, y", "<{}>", "a\n{}\n"],
)
def test_what_only_the_operator_should_see_is_starred(secret, words):
    told = public_words(words.format(secret))

    assert secret.strip("=") not in told
    assert "***" in told
    # Nor is a part of it there that tells where it leads or what it is.
    parts = [part for part in secret.replace("/", " ").replace(":", " ").replace("@", " ").split() if len(part) > 7]
    assert [] == [part for part in parts if part in told]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Bearer abcdefgh12 was refused", "Bearer *** was refused"),
        ("Authorization: Bearer abcdefghij", "Authorization: *** ***"),
        ("api_key=hunter2 and password: hunter2", "api_key=*** and password: ***"),
        ("HTTPConnectionPool(host='vllm', port=8000)", "HTTPConnectionPool(host='***', port=8000)"),
        ("Cannot connect to host vllm:8000 ssl:default", "Cannot connect to host *** ssl:default"),
        ("dial tcp: lookup vllm on 10.0.0.2:53: no such host", "dial tcp: lookup *** on ***: no such host"),
        ("getaddrinfo ENOTFOUND llm7", "getaddrinfo ENOTFOUND ***"),
        ("API key abc12345 is invalid", "API key *** is invalid"),
        ("the key 'abc12345' expired", "the key '***' expired"),
        ("model-server.prod is down", "*** is down"),
        ("Could not resolve host: llm7; upstream=llm8", "Could not resolve host: ***; upstream=***"),
        ("`projects/my-proj-1/locations/us-central1`", "`projects/***/locations/us-central1`"),
        ("mail help@corp.example", "mail help@***"),
        ('Invalid schema: {"type": "object", "x": 1}', "Invalid schema: ***"),
        ("refused [{'type': 'missing', 'input': {'messages': ['x']}}]", "refused [***"),
        ("the request was {model: 1}", "the request was ***"),
    ],
)
def test_what_the_words_around_it_tell_is_starred(words, told):
    assert told == public_words(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "The model `gpt-4.1` does not exist or you do not have access to it.",
        "use v1.2.3, e.g. 3.5 seconds, i.e. at 12:30:45, as of v10.0.0.1",
        "claude-3-5-sonnet-20241022, text-embedding-3-large, meta-llama/Llama-3.1-8B-Instruct, qwen2.5:7b, gpt-4.1",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0 is on demand",
        "max_tokens=4096 is too large; max_tokens: 128000 of 8192 tokens",
        "stream ended after 41 events, before the run reached a terminal status (last: 'thread.message.delta')",
        "Invalid 'messages[0].content': expected tools.0.function.parameters, tools.0.function.id or message.id",
        "Thread thread_abc123 already has an active run run_q8dJ3kabcdefgh1234567890.",
        "No message found with id chatcmpl-550e8400-e29b-41d4-a716-446655440000",
        "bearer token is missing; Bearer token missing; the Bearer authentication scheme",
        "in main.py, app.py:123, config.json and Node.js; json.decoder.JSONDecodeError; failed.Please retry",
        "invalid_api_key key_not_found context_length_exceeded rate_limit_exceeded server_error",
        "key 3 of 7, API key provided, key message_id",
        "API key: none given, std::string, status:503, line:1234, task-specific, risk-free",
        "Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
        "Unknown parameter: 'messages[0].foo'. Supported values are: 'a', 'b'; one of ['low', 'high']",
        "\ud83d and 日本語",
    ],
)
def test_ordinary_words_stay_as_they_are(words):
    assert words == public_words(words)


def test_a_long_message_is_cut_but_not_within_a_key():
    long = public_words("word " * 4_000)
    assert len(long) <= MOST_WORDS

    for at in range(7_900, 8_010):
        told = public_words(("a://b " * 2_000)[:at] + " sk-abcdefgh1234567890 and more")
        assert "sk-" not in told
