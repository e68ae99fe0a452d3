from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from integrations.hl7v2.framing import Frame, Framer, Junk, frame
from integrations.hl7v2.mllp import Limits, MllpServer, Peer
from integrations.hl7v2.mllp_client import AsyncMllpClient, MllpClient, MllpError

HOST = "127.0.0.1"


async def echo(peer: Peer, raw: bytes) -> bytes | None:
    return b"ACK " + raw


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


@asynccontextmanager
async def serving(handler=echo, **options):
    server = MllpServer(handler, host=HOST, port=0, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop(grace_seconds=1)


async def answers(reader: asyncio.StreamReader, wanted: int) -> list[bytes]:
    framer, found = Framer(), []
    while len(found) < wanted and (data := await reader.read(65536)):
        found += [one.payload for one in framer.feed(data) if isinstance(one, Frame)]
    return found


async def eventually(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_one_connection_serves_many_messages_in_order():
    async def test():
        async with serving() as server, AsyncMllpClient(HOST, server.port) as client:
            got = [await client.send(f"MSH {n}".encode()) for n in range(50)]
            assert got == [f"ACK MSH {n}".encode() for n in range(50)]
            assert server.open_connections == 1

    run(test)


def test_messages_sent_without_waiting_are_handled_one_by_one_in_order():
    seen: list[bytes] = []
    running = 0

    async def slow(peer: Peer, raw: bytes) -> bytes:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(0.001)
        seen.append(raw)
        running -= 1
        return raw

    async def test():
        async with serving(slow) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            sent = [str(n).encode() for n in range(30)]
            writer.write(b"".join(map(frame, sent)))
            assert await answers(reader, 30) == sent
            assert seen == sent
            writer.close()

    run(test)


def test_connections_do_not_wait_for_each_other():
    everyone_is_here = asyncio.Barrier(8)

    async def meet(peer: Peer, raw: bytes) -> bytes:
        await everyone_is_here.wait()
        return raw

    async def test():
        async with serving(meet) as server:
            clients = [AsyncMllpClient(HOST, server.port) for _ in range(8)]
            got = await asyncio.gather(*(one.send(str(n).encode()) for n, one in enumerate(clients)))
            assert got == [str(n).encode() for n in range(8)]
            for one in clients:
                await one.close()

    run(test)


@pytest.mark.parametrize("fails", [True, False])
def test_a_message_that_could_not_be_kept_is_not_acknowledged(fails, caplog):
    calls = 0

    async def not_stored(peer: Peer, raw: bytes) -> bytes | None:
        nonlocal calls
        calls += 1
        if fails:
            raise RuntimeError(f"cannot store {raw!r}")
        return None

    async def test():
        async with serving(not_stored) as server, AsyncMllpClient(HOST, server.port) as client:
            with pytest.raises(MllpError):
                await client.send(b"MSH|secret", retries=1)
            assert calls == 2
            await eventually(lambda: server.open_connections == 0)

    run(test)
    assert "secret" not in caplog.text


def test_the_sender_gets_its_answer_after_the_receiver_was_away():
    async def test():
        async with serving() as server:
            port = server.port
            client = AsyncMllpClient(HOST, port)
            assert await client.send(b"1") == b"ACK 1"
        again = MllpServer(echo, host=HOST, port=port)
        await again.start()
        assert await client.send(b"2") == b"ACK 2"
        await client.close()
        await again.stop()

    run(test)


def test_junk_is_reported_and_the_connection_goes_on():
    junk: list[Junk] = []

    async def note(peer: Peer, one: Junk) -> None:
        junk.append(one)

    async def test():
        async with serving(on_junk=note) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(b"noise" + frame(b"1") + b"\x0bMSH|broken" + frame(b"MSH|2"))
            assert await answers(reader, 2) == [b"ACK 1", b"ACK MSH|2"]
            writer.write(b"\x0bMSH|cut off")
            await writer.drain()
            writer.close()
            await eventually(lambda: server.open_connections == 0)

    run(test)
    assert [(one.data, one.reason) for one in junk] == [
        (b"noise", "between_frames"),
        (b"MSH|broken", "nested_start"),
        (b"MSH|cut off", "unfinished"),
    ]


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        (Limits(frame_bytes=100), b"\x0bMSH" + b"x" * 200),
        (Limits(junk_bytes=100), b"x" * 200),
        (Limits(junk_seconds=0.05), b"GET / HTTP/1.1\r\n"),
        (Limits(frame_seconds=0.05), b"\x0bMSH|"),
        (Limits(idle_seconds=0.05), b""),
    ],
)
def test_a_sender_beyond_its_limits_is_disconnected(limits, sent):
    async def test():
        async with serving(limits=limits) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
            await eventually(lambda: server.open_connections == 0)

    run(test)


def test_a_sender_that_trickles_does_not_gain_time():
    async def test():
        async with serving(limits=Limits(frame_seconds=0.2)) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)

            async def trickle() -> None:
                writer.write(b"\x0b")
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.02)

            task = asyncio.create_task(trickle())
            began = asyncio.get_running_loop().time()
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(task, 5)
            assert asyncio.get_running_loop().time() - began < 2
            writer.close()

    run(test)


def test_time_in_the_handler_is_not_the_senders_slowness():
    async def slow(peer: Peer, raw: bytes) -> bytes:
        await asyncio.sleep(0.15)
        return raw

    async def test():
        async with serving(slow, limits=Limits(frame_seconds=0.1)) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.write(frame(b"1") + b"\x0bMSH")
            assert await answers(reader, 1) == [b"1"]
            writer.write(b"|2\x1c\r")
            assert await answers(reader, 1) == [b"MSH|2"]
            writer.close()

    run(test)


def test_connections_over_the_cap_are_refused_and_a_free_place_is_given_again():
    async def test():
        async with serving(limits=Limits(connections=2)) as server:
            first, second, third = (AsyncMllpClient(HOST, server.port, timeout=2) for _ in range(3))
            assert await first.send(b"1") == b"ACK 1"
            assert await second.send(b"2") == b"ACK 2"
            with pytest.raises(MllpError):
                await third.send(b"3", retries=0)
            await first.close()
            await eventually(lambda: server.open_connections == 1)
            assert await third.send(b"3") == b"ACK 3"
            await second.close()
            await third.close()

    run(test)


def test_a_sender_is_not_read_while_its_message_is_handled():
    release = asyncio.Event()

    async def wait(peer: Peer, raw: bytes) -> bytes:
        await release.wait()
        return b"ok"

    async def test():
        async with serving(wait) as server:
            reader, writer = await asyncio.open_connection(HOST, server.port)
            writer.transport.set_write_buffer_limits(high=0)
            flood = asyncio.create_task(_flood(writer))
            done, _ = await asyncio.wait({flood}, timeout=0.5)
            # Tens of megabytes do not fit the two sockets' buffers, so the sender has to stand still.
            assert not done
            release.set()
            await flood
            assert (await answers(reader, 40)) == [b"ok"] * 40
            writer.close()

    async def _flood(writer: asyncio.StreamWriter) -> None:
        for _ in range(40):
            writer.write(frame(b"x" * 1_000_000))
            await writer.drain()

    run(test)


def test_stopping_lets_the_running_message_be_answered():
    started = asyncio.Event()

    async def slow(peer: Peer, raw: bytes) -> bytes:
        started.set()
        await asyncio.sleep(0.1)
        return b"done " + raw

    async def test():
        server = MllpServer(slow, host=HOST, port=0)
        await server.start()
        busy, idle = AsyncMllpClient(HOST, server.port), AsyncMllpClient(HOST, server.port)
        await idle.connect()
        sending = asyncio.create_task(busy.send(b"1", retries=0))
        await started.wait()
        await server.stop()
        assert await sending == b"done 1"
        assert server.open_connections == 0
        with pytest.raises(MllpError):
            await busy.send(b"2")
        await busy.close()
        await idle.close()

    run(test)


def test_stopping_does_not_wait_for_ever():
    async def stuck(peer: Peer, raw: bytes) -> bytes:
        await asyncio.sleep(60)
        return raw

    async def test():
        server = MllpServer(stuck, host=HOST, port=0)
        await server.start()
        client = AsyncMllpClient(HOST, server.port)
        sending = asyncio.create_task(client.send(b"1", retries=0))
        await eventually(lambda: server.open_connections == 1)
        await server.stop(grace_seconds=0.05)
        with pytest.raises(MllpError):
            await sending

    run(test)


@contextmanager
def in_thread(handler=echo) -> Iterator[MllpServer]:
    """A server that runs beside a blocking client."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = MllpServer(handler, host=HOST, port=0)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(1), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_the_blocking_client_sends_keeps_its_connection_and_renews_it():
    peers: list[int] = []

    async def note(peer: Peer, raw: bytes) -> bytes | None:
        peers.append(peer.connection)
        return None if len(peers) == 3 else raw

    with in_thread(note) as server, MllpClient(HOST, server.port, timeout=5) as client:
        assert [client.send(b"1"), client.send(b"2"), client.send(b"3")] == [b"1", b"2", b"3"]
    assert peers == [1, 1, 1, 2]


def test_a_blocking_client_says_when_nobody_is_there():
    with in_thread() as server:
        port = server.port
    with MllpClient(HOST, port, timeout=2) as client, pytest.raises(MllpError, match="cannot connect"):
        client.send(b"1")


def _certificates(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bedflow.larkmoor.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bedflow.larkmoor.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file


def test_a_client_certificate_is_asked_for_and_shown_to_the_handler(tmp_path):
    certificate, key = _certificates(tmp_path)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificate))
    server_side.load_cert_chain(certificate, key)
    server_side.verify_mode = ssl.CERT_REQUIRED
    with_certificate = ssl.create_default_context(cafile=str(certificate))
    with_certificate.load_cert_chain(certificate, key)
    without = ssl.create_default_context(cafile=str(certificate))
    subjects: list[object] = []

    async def note(peer: Peer, raw: bytes) -> bytes:
        subjects.append(peer.certificate and peer.certificate["subject"])
        return raw

    async def test():
        async with serving(note, ssl_context=server_side) as server:
            name = "bedflow.larkmoor.example"
            async with AsyncMllpClient(HOST, server.port, ssl_context=with_certificate, server_hostname=name) as known:
                assert await known.send(b"1") == b"1"
            async with AsyncMllpClient(
                HOST, server.port, ssl_context=without, server_hostname=name, timeout=3
            ) as unknown:
                with pytest.raises(MllpError):
                    await unknown.send(b"2", retries=0)

    run(test)
    assert subjects == [((("commonName", "bedflow.larkmoor.example"),),)]
