"""Fetches from addresses that an editor wrote down, and from nowhere else inside our own network.

Whoever can write a URL could otherwise make the server ask its neighbours. So the host is resolved once, by us; every
address it has must be public; the connection goes to exactly those addresses; every redirect is checked the same way.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from app.errors import BadInput

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_BYTES = 100 * 1024 * 1024
MAX_REDIRECTS = 5
TOTAL_SECONDS = 120.0
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
AT_ONCE = 4
PORTS = (80, 443)
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HEADERS = {"user-agent": "Xiaoer (knowledge of this shop)", "accept": "*/*", "accept-encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: `content_type` without its parameters; `unchanged` when the server says that it is as it was."""

    url: str
    content_type: str
    etag: str
    last_modified: str
    unchanged: bool = False


def networks(written: str) -> tuple[Network, ...]:
    """Networks as a setting lists them, with commas between. Raises BadInput for what is none."""
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in written.split(",") if part.strip())
    except ValueError as error:
        raise BadInput(f"{error}; write networks like 10.1.0.0/16, with commas between") from None


def is_public(address: Address) -> bool:
    """Whether everybody on the internet may reach it."""
    inner = _inner(address)
    return inner.is_global and not inner.is_multicast and not inner.is_reserved


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether the setting names its network."""
    inner = _inner(address)
    return any(inner in network for network in allowed if network.version == inner.version)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does: the road to it leads there."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


class _Resolver(AbstractResolver):
    """Resolves a host and gives its addresses to the connection, unless one of them is not public."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses to connect to. Raises BadInput for a host inside our own network."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        except OSError as error:
            raise BadInput(f"the host {host} is not known ({error.strerror})") from None
        results: list[ResolveResult] = []
        for kind, _, protocol, _, address in found:
            require_public(str(address[0]), host, port, self._allowed)
            results.append(
                ResolveResult(
                    hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
            )  # fmt: skip
        return results

    async def close(self) -> None:
        """Nothing to close."""


def require_public(written: str, host: str, port: int, allowed: Sequence[Network]) -> None:
    """Raises BadInput for an address that is not public, and for a public one's unusual port."""
    address = ipaddress.ip_address(written.partition("%")[0])
    if is_allowed(address, allowed):
        return
    if not is_public(address):
        raise BadInput(
            f"{host} is an address inside a private network; nothing was asked of it. If it is meant, name its network "
            "in XIAOER_FETCH_ALLOW"
        )
    if port not in PORTS:
        raise BadInput(f"{host} is to be asked at port {port}; only {PORTS[0]} and {PORTS[1]} are used")


class Fetcher:
    """Fetches files over http and https, within limits. Use as `async with Fetcher(…) as fetcher`."""

    def __init__(self, allowed: Sequence[Network] = (), max_bytes: int = MAX_BYTES) -> None:
        self._allowed = allowed
        self._max_bytes = max_bytes
        self._session: aiohttp.ClientSession | None = None
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def __aenter__(self) -> Fetcher:
        """Open it."""
        connector = aiohttp.TCPConnector(resolver=_Resolver(self._allowed), use_dns_cache=False, limit=AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=TOTAL_SECONDS, connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        if self._session:
            await self._session.close()

    async def fetch(self, url: str, target: Path, known: Mapping[str, str] | None = None) -> Fetched:
        """Write what stands at the URL to `target`; `known` has the etag and last_modified of what we have.

        Raises BadInput, which says why it could not be had; `target` is then not touched.
        """
        headers = dict(_HEADERS)
        if known and known.get("etag"):
            headers["if-none-match"] = known["etag"]
        if known and known.get("last_modified"):
            headers["if-modified-since"] = known["last_modified"]
        async with self._at_once:
            try:
                async with asyncio.timeout(TOTAL_SECONDS):
                    return await self._follow(url, target, headers)
            except (TimeoutError, aiohttp.ServerTimeoutError):
                raise BadInput(f"{url} did not answer in time") from None
            except (aiohttp.ClientError, ValueError) as error:
                raise BadInput(f"{url} cannot be fetched ({type(error).__name__})") from None

    async def _follow(self, url: str, target: Path, headers: Mapping[str, str]) -> Fetched:
        assert self._session is not None, "use it as `async with`"
        for _ in range(MAX_REDIRECTS + 1):
            self._check(url)
            async with self._session.get(url, headers=headers, allow_redirects=False) as response:
                if response.status in _REDIRECTS and (place := response.headers.get("location")):
                    following = urljoin(url, place)
                    if urlsplit(url).scheme == "https" and urlsplit(following).scheme == "http":
                        raise BadInput(f"{url} leads on to an address without encryption; nothing was read")
                    url = following
                    continue
                if response.status == 304:
                    return Fetched(url, "", "", "", unchanged=True)
                if response.status != 200:
                    raise BadInput(f"{url} answers with status {response.status}")
                await self._save(url, response, target)
                told = response.headers
                return Fetched(url, response.content_type, told.get("etag", ""), told.get("last-modified", ""))
        raise BadInput(f"{url} leads on and on; at most {MAX_REDIRECTS} redirects are followed")

    def _check(self, url: str) -> None:
        """Raises BadInput for a URL that is not fetched. A host's name is judged when it is resolved."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"“{url[:80]}” is no http or https address")
        if parts.username or parts.password:
            raise BadInput(f"the address at {parts.hostname} carries a password; nothing was asked of it")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if (literal := _literal(parts.hostname)) is not None:
            require_public(str(literal), parts.hostname, port, self._allowed)

    async def _save(self, url: str, response: aiohttp.ClientResponse, target: Path) -> None:
        declared = response.content_length or 0
        size = 0
        fresh = target.with_name(f".{target.name[:150]}.new")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("wb") as file:
                async for piece in response.content.iter_chunked(256 * 1024):
                    size += len(piece)
                    if max(size, declared) > self._max_bytes:
                        raise BadInput(f"{url} has more than {self._max_bytes // 1024**2} MB; it was not read")
                    await asyncio.to_thread(file.write, piece)
            if not size:
                raise BadInput(f"{url} is empty")
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
