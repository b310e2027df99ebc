"""What the routes of generations take and answer with, for the OpenAPI document."""

from apps.api.routing import Param

EXAMPLE = {
    "model": "lipsync-2",
    "input": [
        {"type": "video", "url": "https://media.example/talk.mp4"},
        {"type": "audio", "url": "https://media.example/voice.wav"},
    ],
    "options": {"sync_mode": "cut_off", "temperature": 0.6},
}
TEXT = {"type": "string"}
LIST = {"type": "array", "items": TEXT}
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
JSON_TEXT = {"type": "string", "contentMediaType": "application/json"}
CREATE_FORM = {
    "video": FILE,
    "audio": FILE,
    "model": TEXT,
    "webhookUrl": TEXT,
    "outputFileName": TEXT,
    "projectId": TEXT,
    "input": {"type": "array", "items": JSON_TEXT},
    "options": JSON_TEXT,
    "segments": JSON_TEXT,
}
FILTERS = (
    Param("status", LIST, "states; as a JSON array, repeated, or separated by commas"),
    Param("ids", LIST, "ids, in the same encodings"),
    Param("projectId", TEXT, "of one project"),
    Param("source", LIST, "api, batch or studio; other names match nothing"),
    Param("generationSource", LIST, "the same as source"),
    Param("type", {"type": "string", "enum": ["playground", "api"]}, "playground: made on pages"),
)
PAGES = (
    Param("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "how many"),
    Param("cursor", TEXT, "the id of the last one of the page before; needs limit"),
)
POLL = (
    Param("wait", {"type": "boolean"}, "answer when it is ready or the timeout is over"),
    Param("timeout", {"type": "integer", "minimum": 1, "maximum": 10}, "seconds to wait, default 5"),
    Param("include", LIST, "progress: how far it is; not together with wait"),
)
CREATE_CODES = (
    "generation_input_validation_failed",
    "generation_unsupported_model",
    "generation_video_missing",
    "generation_audio_missing",
    "generation_input_video_inaccessible",
    "generation_input_video_invalid",
    "asset_not_found",
    "project_not_found",
    "feature_unavailable",
    "generation_plan_duration_exceeded",
    "concurrency_limit_reached",
    "generation_input_asset_type_mismatch",
    "file_size_exceeds_plan_limit",
    "asset_not_ready",
    "tts_not_configured",
    "voice_not_found",
    "elevenlabs_quota_exceeded",
    "elevenlabs_api_key_invalid",
    "generation_infra_storage_error",
    "INVALID_IDEMPOTENCY_KEY",
    "IDEMPOTENCY_KEY_CONFLICT",
    "IDEMPOTENCY_OUTCOME_UNKNOWN",
)
