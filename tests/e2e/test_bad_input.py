"""Bad input at every edge: a clear error, and nothing changed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import ContractCustomError, MismatchedABI
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.checks import GRANT, post_by_hand, terms_by_hand
from tests.e2e.folders import a_script
from tests.e2e.market import Answer, Consumer, TestMarket

STRANGER = "0x" + "12" * 32  # a job that nobody posted
ADDRESS = "0x" + "ab" * 20


@pytest.fixture(scope="module")
def consumer(market: TestMarket) -> Consumer:
    """Somebody who gets everything wrong."""
    return market.consumer()


@pytest.fixture(autouse=True)
def nothing_changes(market: TestMarket, consumer: Consumer) -> Iterator[None]:
    """Whatever is refused leaves no job and moves no token."""
    before = consumer.tokens()
    yield
    assert consumer.tokens() == before
    assert market.get("/v1/deployments", consumer=consumer.address).json()["items"] == []


def refused(answer: Answer, code: int, *words: str) -> None:
    """The command line said what is wrong, and what to do, in its own words."""
    assert answer.code == code, answer.out + answer.err
    assert "Traceback" not in answer.err
    assert "fix:" in answer.err
    for word in words:
        assert word in answer.err


def test_a_folder_that_is_not_there(consumer: Consumer, tmp_path: Path) -> None:
    refused(consumer.draas("deploy", tmp_path / "absent"), 2, "is not a folder")


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ({"market": "{cpu_hour: -1}"}, "market.cpu_hour"),
        ({"duration": "soon"}, "duration"),
        ({"resources": "{memory: -5M}"}, "resources.memory"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_manifest_that_cannot_be_right(
    consumer: Consumer, tmp_path: Path, lines: dict[str, object], word: str
) -> None:
    refused(consumer.draas("deploy", a_script(tmp_path / "wrong", "true", **lines)), 2, word)


def test_a_deposit_that_the_consumer_does_not_have(consumer: Consumer, tmp_path: Path) -> None:
    folder = a_script(tmp_path / "dear", "true", market="{cpu_hour: 500}", duration="20h")
    refused(consumer.draas("deploy", folder), 3, "DRT")


def test_a_deposit_that_the_escrow_does_not_take(consumer: Consumer, tmp_path: Path) -> None:
    folder = a_script(tmp_path / "dearer", "true", market="{cpu_hour: 900000}", duration="20h")
    refused(consumer.draas("deploy", folder), 2, "the escrow takes at most")


def test_a_bundle_over_the_size_limit(
    market: TestMarket, consumer: Consumer, tmp_path: Path
) -> None:
    limit = market.get("/v1/market").json()["max_bundle_bytes"]
    folder = a_script(tmp_path / "large", "true")
    with (folder / "weight").open("wb") as file:
        file.truncate(limit + 1)
    refused(consumer.draas("deploy", folder), 2, "MiB")


def test_words_that_are_no_job(consumer: Consumer) -> None:
    refused(consumer.draas("logs", "not-a-job"), 2, "not a job's id")
    refused(consumer.draas("cancel", STRANGER), 4)
    refused(consumer.draas("logs", STRANGER), 4)


def test_a_market_that_is_not_there(consumer: Consumer) -> None:
    refused(consumer.draas("ps", SCHEDULER_URL="http://127.0.0.1:9"), 6, "does not answer")
    refused(consumer.draas("ps", SCHEDULER_URL="ftp://nowhere"), 2, "SCHEDULER_URL")


def test_a_key_that_is_no_key(consumer: Consumer) -> None:
    answer = consumer.draas("balance", DRAAS_PRIVATE_KEY="0x1234secret")
    refused(answer, 2, "DRAAS_PRIVATE_KEY")
    assert "1234secret" not in answer.out + answer.err


def upload(market: TestMarket, body: bytes, consumer: str) -> tuple[int, dict[str, str]]:
    """Give the scheduler an archive by hand."""
    url = f"{market.url}/v1/bundles"
    answer = httpx.post(
        url, params={"consumer": consumer}, content=body, timeout=60, trust_env=False
    )
    assert answer.headers["content-type"].startswith("application/problem+json")
    return answer.status_code, answer.json()


def an_archive(name: str, link: str = "") -> bytes:
    """A tar with one file, or one link."""
    info = tarfile.TarInfo(name)
    if link:
        info.type, info.linkname = tarfile.SYMTYPE, link
    else:
        info.size = 4
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        archive.addfile(info, None if link else io.BytesIO(b"text"))
    return raw.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        an_archive("../outside"),
        an_archive("/etc/outside"),
        an_archive("a/../../b"),
        an_archive("link", "/etc/passwd"),
        b"no tar",
    ],
    ids=["climbs", "absolute", "climbs later", "link out", "no archive"],
)
def test_an_archive_that_would_leave_its_folder(market: TestMarket, body: bytes) -> None:
    status, problem = upload(market, body, ADDRESS)
    assert status == 422
    assert problem["detail"]
    assert problem["fix"]


@pytest.mark.parametrize("address", ["0x1234", "nobody", "0x" + "zz" * 20])
def test_an_address_that_is_no_address(market: TestMarket, address: str) -> None:
    status, problem = upload(market, an_archive("main.py"), address)
    assert status == 422
    assert problem["fix"]
    assert market.get("/v1/deployments", consumer=address).status_code == 422


def test_unknown_paths_and_jobs_are_problem_documents(market: TestMarket) -> None:
    for path, status in (
        (f"/v1/deployments/{STRANGER}", 404),
        ("/v1/deployments/0x12", 422),
        ("/v1/nothing", 404),
    ):
        answer = market.get(path)
        assert (answer.status_code, answer.json()["status"]) == (status, status)
        assert answer.headers["content-type"].startswith("application/problem+json")


def test_a_negative_limit_is_refused(market: TestMarket) -> None:
    assert market.get("/v1/deployments", limit="-1").status_code == 422


def claim(market: TestMarket, job: str, terms: tuple[object, ...], key: str, deadline: int) -> str:
    """The selector of the error with which the contract refuses a claim by the agent."""
    (agent,) = market.agents()
    assignment = {
        "jobId": job,
        "attempt": 1,
        "provider": agent,
        "image": "0x" + "11" * 32,
        "deadline": deadline,
    }
    domain = {
        "name": "DRaaS",
        "version": "1",
        "chainId": market.w3.eth.chain_id,
        "verifyingContract": market.escrow.address,
    }
    fields = {
        "jobId": "bytes32",
        "attempt": "uint8",
        "provider": "address",
        "image": "bytes32",
        "deadline": "uint64",
    }
    types = {"Assignment": [{"name": name, "type": kind} for name, kind in fields.items()]}
    signed = Account.sign_typed_data(key, domain, types, assignment)
    with pytest.raises(ContractCustomError) as refusal:
        market.escrow.functions.claimJob(
            terms, assignment["image"], deadline, signed.signature
        ).call({"from": agent})
    return str(refusal.value.data)[:10]


def terms_hash(market: TestMarket, terms: tuple[object, ...]) -> bytes:
    """What `cancelJob` takes: the hash of the terms as the ABI encodes them."""
    call = market.escrow.functions.jobIdOf(terms)._encode_transaction_data()
    return bytes(Web3.keccak(hexstr=call[:2] + call[10:]))


def selector(error: str) -> str:
    """The first four bytes of a custom error."""
    return "0x" + Web3.keccak(text=error).hex().removeprefix("0x")[:8]


def test_the_contract_refuses_wrong_signatures_expired_leave_and_nonsense(
    market: TestMarket,
) -> None:
    poster = market.consumer()
    terms = terms_by_hand(market, poster.address, claim_within=300)
    job = post_by_hand(market, poster.key, terms)
    now = market.w3.eth.get_block("latest")["timestamp"]
    stranger = Account.create().key.hex()
    assert claim(market, job, terms, stranger, now + 600) == selector("SignatureInvalid()")
    assert claim(market, job, terms, stranger, now - 600) == selector("SignatureExpired(uint256)")
    # A job's id binds its consumer: who is another finds no job to cancel.
    with pytest.raises(ContractCustomError) as refusal:
        market.escrow.functions.cancelJob(terms_hash(market, terms)).call(
            {"from": list(market.w3.eth.accounts)[3]}
        )
    assert str(refusal.value.data)[:10] == selector("WrongState(bytes32,uint8)")
    with pytest.raises(MismatchedABI):  # an amount below zero cannot even be written down
        market.escrow.functions.postJob(terms, -1).call({"from": poster.address})
    assert market.state(job) == "Open"
    assert market.names(job) == ["JobPosted"]
    assert poster.draas("cancel", job).code == 0
    assert poster.tokens() == GRANT


def test_a_login_with_a_wrong_signature_is_refused(market: TestMarket) -> None:
    (agent,) = market.agents()
    challenge = httpx.post(f"{market.url}/v1/agents/nonce").json()
    body = {"agent": agent, "nonce": challenge["nonce"], "signature": "0x" + "11" * 65}
    assert httpx.post(f"{market.url}/v1/agents/login", json=body).status_code == 401
    link = market.url.replace("http", "ws") + "/v1/agents/link"
    headers = {"Authorization": f"Bearer v1.agent.{agent}.9999999999.{'0' * 64}"}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(link, additional_headers=headers, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 401
    assert market.get(f"/v1/agents/{agent}").json()["capacity"]["cpu_millis"] == 2000
