"""Every error code that the API answers with: the one table behind ``/v2/errors``, the answers and the docs.

A refusal carries words of its own about the case at hand; ``message`` and ``suggestion`` here are the general ones.
The status of a code in an answer is the one of this table, whoever raised it.
"""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class Entry:
    """One code: its HTTP status, what is so, what to do."""

    code: str
    status: int
    message: str
    suggestion: str

    @property
    def reason(self) -> str:
        """The words of the status, as in ``error`` of an answer."""
        return reason_of(self.status)


def reason_of(status: int) -> str:
    """Words of an HTTP status; those of its class for a number outside the standard."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return HTTPStatus(status // 100 * 100).phrase


ROWS: tuple[tuple[str, int, str, str], ...] = (
    # --- the way in
    ("unauthorized", 401, "The key is missing or does not work.", "Send a working key in the header x-api-key."),
    ("forbidden", 403, "The key or its person may not do this.", "Use a key with a wider scope, or ask an owner."),
    ("route_not_found", 404, "There is no such route.", "Look at /v2/openapi.json for the routes."),
    ("not_found", 404, "There is no such thing in this workspace.", "Check the id and the workspace of the key."),
    ("method_not_allowed", 405, "The route does not take this method.", "The header Allow lists those it takes."),
    ("rate_limit_exceeded", 429, "Rate limit exceeded. Please try again later.", "Wait as Retry-After says."),
    ("request_invalid", 400, "The request cannot be read.", "Send JSON or multipart/form-data as documented."),
    ("request_too_large", 413, "The body is larger than this route takes.", "Upload files by POST /v2/assets/upload."),
    ("INVALID_IDEMPOTENCY_KEY", 400, "The Idempotency-Key is no valid key.", "1 to 128 of A-Z a-z 0-9 . _ ~ -"),
    ("IDEMPOTENCY_KEY_CONFLICT", 409, "The key was used with another payload.", "Use a new key for a new request."),
    ("IDEMPOTENCY_OUTCOME_UNKNOWN", 503, "The first request with this key has no outcome yet.", "Repeat it shortly."),
    # --- generations
    ("generation_input_validation_failed", 400, "The request does not fit the schema.", "Correct the named field."),
    ("generation_unsupported_model", 400, "There is no such model here.", "GET /v2/models lists the models."),
    ("invalid_generation_id", 400, "The id is no UUID.", "Use the id as it came in the answer."),
    ("generation_not_found", 404, "There is no such generation.", "Check the id and the workspace of the key."),
    ("generation_conflict", 409, "The generation is not in a state for this.", "Get it and look at its status."),
    ("generation_not_deletable_while_processing", 409, "The generation still runs.", "Cancel it, or wait for its end."),
    ("generation_not_finished", 409, "The generation has no result yet.", "Wait until its status is COMPLETED."),
    ("generation_cancelled", 409, "The generation was cancelled.", "Start it again if you need the result."),
    ("generation_pipeline_failed", 500, "The work failed in the studio.", "Try again; if it fails again, report it."),
    ("generation_unknown_error", 500, "The work failed for a reason not known.", "Try again; report the request id."),
    ("generation_timeout", 504, "The work took longer than is allowed.", "Try again with shorter files."),
    ("generation_infra_storage_error", 507, "The studio's disk has no room.", "Tell whoever runs the studio."),
    ("generation_infra_service_unavailable", 503, "No worker answered.", "Try again in a few minutes."),
    ("generation_infra_resource_exhausted", 503, "The studio ran out of memory for this.", "Use smaller footage."),
    ("cost_estimate_unavailable", 422, "The cost cannot be worked out.", "Name a known model and a duration."),
    # --- what goes in
    ("generation_input_file_breaks_worker", 422, "The file stops whoever examines it.", "Export it again."),
    ("generation_video_missing", 422, "There is no video among the inputs.", "Add an input of the type video."),
    ("generation_audio_missing", 422, "There is no sound among the inputs.", "Add an input of the type audio."),
    ("generation_input_too_many_visual", 422, "There is more than one picture.", "Send exactly one video."),
    ("generation_input_video_inaccessible", 422, "The video URL is inaccessible.", "Check that anyone can fetch it."),
    ("generation_input_audio_inaccessible", 422, "The audio URL is inaccessible.", "Check that anyone can fetch it."),
    ("generation_input_image_inaccessible", 422, "The image URL is inaccessible.", "Check that anyone can fetch it."),
    ("generation_input_video_invalid", 422, "The video cannot be read.", "Send an MP4 with H.264."),
    ("generation_input_audio_invalid", 422, "The sound cannot be read.", "Send a WAV, MP3, FLAC or M4A file."),
    ("generation_input_audio_silent", 422, "The sound is silent.", "Send a recording of speech."),
    ("generation_input_image_invalid", 422, "The image cannot be read.", "Send a JPEG, PNG or WebP file."),
    ("generation_input_video_no_face", 422, "No face can be followed in the video.", "Use footage of a person."),
    ("generation_input_resolution_unsupported", 422, "The picture is too large.", "Scale it to 4096 × 2160 or less."),
    ("generation_input_asset_type_mismatch", 422, "The file is of another kind.", "Send the kind the input names."),
    ("generation_input_option_invalid", 422, "An option has a value outside its range.", "See the table of options."),
    ("generation_input_segments_invalid", 422, "The segments cannot be used.", "See the rules of segments."),
    (
        "generation_input_face_selection_invalid",
        422,
        "The chosen face cannot be used.",
        "Send one of auto_detect, frame_number with coordinates, and bounding_boxes.",
    ),
    ("generation_input_dub_audio_conflict", 422, "Dubbing takes no sound of its own.", "Leave the audio out."),
    (
        "generation_media_probe_timeout",
        504,
        "Fetching or checking took too long.",
        "Upload the file, send its assetId.",
    ),
    ("feature_unavailable", 422, "This studio does not have this part.", "Leave it out of the request."),
    # --- voices and spoken text
    ("tts_not_configured", 422, "The voice provider is not set up here.", "Send the spoken text as a sound file."),
    ("tts_job_not_found", 404, "There is no such text.", "Check the id and the workspace of the key."),
    ("tts_script_empty", 422, "There is no text to speak.", "Send 1 to 5000 characters."),
    ("tts_script_unspeakable", 422, "The voice cannot speak this text.", "Change the text or the voice."),
    ("tts_refused", 422, "The provider refuses this text.", "Change the text or the voice."),
    ("generation_text_length_exceeded", 422, "The text is too long.", "Send 5000 characters or fewer."),
    ("voice_not_found", 404, "There is no such voice.", "GET /v2/voices lists the voices."),
    ("voice_provider_unknown", 422, "There is no such voice provider.", "GET /v2/voices lists voices and providers."),
    ("voice_clone_unsupported", 422, "The provider cannot learn voices.", "Name one that can."),
    ("voice_clone_limit_reached", 402, "There are as many cloned voices as may be.", "Delete one first."),
    ("voice_not_deletable", 422, "The voice is not one of your own.", "Delete voices that you cloned."),
    ("voice_sample_not_accessible", 422, "The sample cannot be had.", "Check that anyone can fetch it."),
    ("voice_sample_type_unsupported", 422, "The sample has no sound.", "Send a recording of one person."),
    ("voice_sample_source_too_large", 422, "The sample is too large.", "Send one or two minutes of speech."),
    ("voice_sample_too_short", 422, "The sample is too short.", "Send 30 seconds or more of clean speech."),
    ("elevenlabs_quota_exceeded", 402, "The ElevenLabs account has no characters left.", "Change the plan there."),
    ("elevenlabs_api_key_invalid", 422, "ElevenLabs does not take the key.", "Enter another on the page of voices."),
    ("elevenlabs_service_unavailable", 503, "ElevenLabs does not work now.", "Try again in a minute."),
    # --- links to results
    ("share_without_result", 409, "There is no result to share.", "Wait until its status is COMPLETED."),
    ("share_links_too_many", 409, "The generation has as many links as it may have.", "Take one back first."),
    ("share_password_short", 422, "The password is too short.", "Use six characters or more, or none."),
    ("share_link_not_found", 404, "There is no such link.", "List the links of the generation."),
    # --- limits and money
    (
        "generation_plan_duration_exceeded",
        402,
        "The plan does not allow this length.",
        "Shorten it or change the plan.",
    ),
    ("generation_input_duration_greater_than_max_duration", 422, "The file is too long here.", "Send a shorter one."),
    ("concurrency_limit_reached", 429, "As many run as the plan allows at once.", "Wait for one to end."),
    ("account_payment_required", 402, "The account has to be paid first.", "Open the billing page of the studio."),
    ("spend_cap_reached", 402, "The monthly cap would be passed.", "Raise the cap on the billing page, or wait."),
    (
        "free_tier_generations_exhausted",
        402,
        "The free takes of this month are used, and the credit does not suffice.",
        "Add credit, or choose a plan on the billing page.",
    ),
    ("account_on_hold", 403, "The workspace is on hold.", "Write to whoever runs the studio."),
    ("plan_feature_unavailable", 402, "The plan does not have this.", "Change the plan."),
    # --- files and projects
    ("invalid_asset_id_format", 400, "The id is no UUID.", "Use the id as it came in the answer."),
    ("asset_not_found", 404, "There is no such file.", "GET /v2/assets lists the files of the workspace."),
    ("asset_forbidden", 403, "The file is another person's.", "An administrator can change it."),
    ("asset_not_ready", 409, "The file is still being checked.", "Try again in a few seconds."),
    ("asset_empty", 422, "The file has no bytes.", "Send the file again."),
    ("asset_name_empty", 422, "A file needs a name.", "Send one."),
    ("file_size_exceeds_plan_limit", 413, "The file is larger than the plan allows.", "Export it smaller or cut it."),
    ("uploaded_file_not_found", 422, "Nothing was uploaded to this address.", "PUT the bytes to uploadUrl first."),
    ("upload_too_long", 413, "More bytes came than were announced.", "Ask for a new address with the right size."),
    ("upload_incomplete", 409, "Bytes of the upload are missing.", "PUT the whole file to uploadUrl."),
    ("upload_offset_conflict", 409, "The upload is complete already.", "Ask for a new address."),
    ("upload_locked", 423, "Another request writes to this upload.", "Wait until it is through."),
    ("link_expired", 410, "The link has expired.", "Get the generation or the asset again for a fresh one."),
    ("project_not_found", 422, "There is no such project.", "GET /v2/projects lists the projects."),
    ("project_conflict", 409, "The id belongs to another or a deleted project.", "Choose another id."),
    ("project_busy", 409, "A generation of the project still runs.", "Wait for it or cancel it."),
    ("project_name_missing", 422, "A project needs a name.", "Send one."),
    ("project_name_too_long", 422, "The name is too long.", "Send 120 characters or fewer."),
    ("project_description_too_long", 422, "The description is too long.", "Send 5,000 characters or fewer."),
    ("draft_stale", 409, "The draft was changed elsewhere.", "Get it again."),
    # --- webhooks
    ("webhook_missing", 409, "The workspace has no webhook address.", "Set one by PUT /v2/webhook."),
    # --- batches
    ("batch_file_too_large", 413, "The batch file is larger than 5 MB.", "Split it."),
    ("batch_too_many_requests", 400, "The batch has more lines than are allowed.", "Send 500 or fewer."),
    ("batch_insufficient_records", 400, "The batch has too few lines.", "Send 20 or more, or single requests."),
    ("batch_invalid_jsonl", 400, "A line of the batch is no JSON object.", "Send one object per line."),
    ("batch_duplicate_request_id", 400, "A request_id occurs twice.", "Give each line an id of its own."),
    ("batch_invalid_endpoint", 400, "The endpoint of a line cannot be run in a batch.", "Use /v2/generate."),
    ("batch_concurrency_limit_reached", 429, "A batch of this workspace still runs.", "Wait for its end."),
    ("batch_plan_required", 402, "The plan has no batches.", "Change the plan."),
    ("batch_not_found", 404, "There is no such batch.", "Check the id and the workspace of the key."),
    # --- the house itself
    ("controller_timeout", 504, "The studio took too long.", "Try again."),
    ("controller_unavailable", 503, "The studio is not ready.", "Try again in a minute."),
    ("internal_error", 500, "Something broke in the studio.", "Report the requestId to whoever runs it."),
)

ENTRIES: dict[str, Entry] = {row[0]: Entry(*row) for row in ROWS}
