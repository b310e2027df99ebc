"""The supervisor's configuration: what runs, in which order, and how it is stopped."""

import configparser
import shlex
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError
from supervisor.options import ServerOptions

from studio.management.commands.up import refuse_second_studio
from studio.management.commands.welcome import wait_for_web
from studio.processes import LEASH, Program, programs, write_configuration
from studio.redis_server import RedisServer


def sections(tmp_path, parts):
    parser = configparser.RawConfigParser()
    parser.read(write_configuration(tmp_path, parts))
    return parser


def test_redis_is_stopped_last_because_it_starts_first(tmp_path):
    parts = programs(bind="127.0.0.1:8000", workers=2, redis_command=["redis-server"])
    parser = sections(tmp_path, parts)
    priorities = {name: parser.getint(name, "priority") for name in parser.sections() if name != "supervisord"}
    assert min(priorities, key=priorities.__getitem__) == "program:redis"


def test_all_but_redis_are_told_to_stop_at_once(tmp_path):
    parts = programs(bind="127.0.0.1:8000", workers=2, redis_command=["redis-server"])
    together = sections(tmp_path, parts)["group:studio"]["programs"].split(",")
    assert sorted([*together, "redis"]) == sorted(part.name for part in parts)


def test_no_redis_of_our_own_where_one_is_given():
    assert "redis" not in [part.name for part in programs(bind="127.0.0.1:8000", workers=2, redis_command=None)]


def test_the_worker_hands_its_step_back_on_stop(tmp_path):
    parser = sections(tmp_path, programs(bind="127.0.0.1:8000", workers=3, redis_command=None))
    assert parser["program:worker"]["stopsignal"] == "QUIT"
    assert "--queues cpu --slots 3" in parser["program:worker"]["command"]


def test_files_are_checked_by_a_worker_that_never_renders(tmp_path):
    parser = sections(tmp_path, programs(bind="127.0.0.1:8000", workers=3, redis_command=None))
    assert "--queues io" in parser["program:io"]["command"]
    assert "--queues fetch --slots 8" in parser["program:fetch"]["command"]
    assert not parser.has_section("program:remote")
    parser = sections(tmp_path, programs(bind="127.0.0.1:8000", workers=3, redis_command=None, remote=True))
    assert "--queues remote" in parser["program:remote"]["command"]


def test_a_dead_part_is_restarted_but_the_welcome_is_said_once(tmp_path):
    parser = sections(tmp_path, programs(bind="127.0.0.1:8000", workers=1, redis_command=None))
    assert parser["program:web"]["autorestart"] == "true"
    assert parser["program:welcome"]["autorestart"] == "false"


def test_paths_with_spaces_and_percent_signs_survive(tmp_path):
    parser = sections(tmp_path, [Program("odd", [sys.executable, "/data 100%/x"], 1)])
    assert parser["program:odd"]["command"].endswith("'/data 100%%/x'")


@pytest.mark.parametrize("name", ["o'brien", "100%", 'say "so"'])
def test_the_supervisor_reads_what_lies_in_any_folder(tmp_path, name):
    folder = tmp_path / name
    options = ServerOptions()
    options.realize(["-c", str(write_configuration(folder, [Program("odd", [sys.executable, str(folder)], 1)]))])
    assert options.logfile == str(folder / "supervisord.log")
    (group,) = options.process_group_configs
    assert shlex.split(group.process_configs[0].command)[-1] == str(folder)


def test_the_configuration_is_private(tmp_path):
    path = write_configuration(tmp_path, programs(bind="127.0.0.1:1", workers=1, redis_command=None))
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_embedded_redis_keeps_its_queue_over_a_restart(tmp_path):
    import redis

    first = RedisServer(tmp_path)
    first.start()
    redis.Redis.from_url(first.url).rpush("cpu", "step")
    first.stop()
    second = RedisServer(tmp_path)
    second.start()
    try:
        assert redis.Redis.from_url(second.url).lrange("cpu", 0, -1) == [b"step"]
    finally:
        second.stop()


def test_the_embedded_redis_asks_for_its_password(tmp_path):
    import pytest
    import redis

    server = RedisServer(tmp_path)
    server.start()
    try:
        with pytest.raises(redis.exceptions.AuthenticationError):
            redis.Redis(port=server.port).ping()
    finally:
        server.stop()


def test_redis_starts_with_a_file_that_a_loss_of_power_left_with_rubbish_at_its_end(tmp_path):
    import redis

    first = RedisServer(tmp_path)
    first.start()
    redis.Redis.from_url(first.url).rpush("cpu", "step")
    first.stop()
    with (tmp_path / "appendonly.aof").open("ab") as file:
        file.write(bytes(4096))
    second = RedisServer(tmp_path)
    second.mend()
    second.start()
    try:
        assert redis.Redis.from_url(second.url).lrange("cpu", 0, -1) == [b"step"]
    finally:
        second.stop()


def test_a_second_studio_in_the_same_folder_is_refused_but_not_one_in_a_copy_of_it(tmp_path, settings):
    server = RedisServer(tmp_path / "redis")
    settings.DATA_DIR, settings.REDIS_NOTE = tmp_path, tmp_path / "redis.url"
    refuse_second_studio()
    settings.REDIS_NOTE.write_text(server.url)
    refuse_second_studio()  # one that has ended
    server.start()
    try:
        with pytest.raises(CommandError, match=f"already; its Redis is process {server.process.pid}"):
            refuse_second_studio()
        settings.DATA_DIR = tmp_path / "copy"
        refuse_second_studio()
    finally:
        server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell of a parent's death")
def test_parts_end_with_a_supervisor_that_is_killed():
    start = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", start, *LEASH, "sleep", "60"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as supervisor:
        part = int(supervisor.stdout.readline())
        until(lambda: name_of(part) == "sleep")
        supervisor.kill()
    until(lambda: name_of(part) != "sleep")


def name_of(process: int) -> str:
    """The name of a running process; empty for none, and for one that has ended and whom nobody has asked for."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return ""
    return "" if ") Z " in stat else stat.partition("(")[2].rpartition(")")[0]


def until(true) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_parts_can_write_where_the_log_is_a_socket_as_under_systemd():
    ours, theirs = socket.socketpair()
    code = (
        "from studio.management.commands.up import make_output_openable\n"
        "make_output_openable()\n"
        "open('/dev/fd/1', 'w').write('said')"
    )
    with theirs:
        subprocess.run([sys.executable, "-c", code], stdout=theirs, check=True)
    with ours:
        ours.settimeout(10)
        assert ours.recv(100) == b"said"
        assert ours.recv(100) == b""  # what passes it on has ended too


@pytest.mark.parametrize("hosts", [["studio.lan"], [".studio.lan", "other"], ["*"]])
def test_the_welcome_asks_the_web_server_by_a_name_it_answers_to(settings, hosts):
    settings.ALLOWED_HOSTS = hosts
    asked = []

    class Web(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.headers["Host"], self.headers["X-Forwarded-Proto"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Web) as server:
        threading.Thread(target=server.handle_request).start()
        wait_for_web(f"http://127.0.0.1:{server.server_port}/healthz")
    assert asked == [("localhost" if hosts == ["*"] else "studio.lan", "https")]
