"""The supervisor's configuration: what runs, in which order, and how it is stopped."""

import configparser
import shlex
import sys

import pytest
from supervisor.options import ServerOptions

from studio.processes import Program, programs, write_configuration
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
    assert shlex.split(group.process_configs[0].command)[1] == str(folder)


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
