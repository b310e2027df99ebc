"""Origins of a bucket's signed addresses, which the Content-Security-Policy must allow."""

from urllib.parse import urlsplit


def bucket_origins(bucket: str, endpoint: str, region: str) -> list[str]:
    """Origins that signed addresses of ``bucket`` can have; empty without a bucket.

    The SDK puts the bucket's name before the host where it can, and into the path where the host is an IP address or
    the name has dots, so both forms are named.
    """
    if not bucket:
        return []
    if endpoint:
        parts = urlsplit(endpoint)
        return [f"{parts.scheme}://{parts.netloc}", f"{parts.scheme}://{bucket}.{parts.netloc}"]
    hosts = ("s3.amazonaws.com", f"s3.{region}.amazonaws.com")
    return [f"https://{name}" for host in hosts for name in (host, f"{bucket}.{host}")]
