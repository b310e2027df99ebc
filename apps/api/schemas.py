"""What comes in, as the clients send it. The OpenAPI document is made from these and from ``answers``."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

OUTPUT_NAME = r"^[A-Za-z0-9_-]{1,255}$"
UNKNOWN_OPTIONS = 50
AssetType = Literal["AUDIO", "VIDEO", "IMAGE"]
# Who sees a file or project: its maker and administrators, or the whole workspace.
Seen = Literal["USER", "ORGANIZATION"]


# Lists without a length of their own are read up to their first wrong item: all mistakes in eight megabytes of noughts,
# told one by one, would take gigabytes.
Numbers = Annotated[list[float], Field(fail_fast=True)]
WholeNumbers = Annotated[list[int], Field(fail_fast=True)]
Boxes = Annotated[list[Numbers | None], Field(fail_fast=True)]


class Incoming(BaseModel):
    """Fields that are not known are left aside: newer clients may send more."""

    model_config = ConfigDict(extra="ignore")


class MediaInput(Incoming):
    """A file by its address or its id in the library."""

    type: str
    url: str | None = Field(
        None,
        max_length=4000,
        description="where the studio fetches it; this or assetId",
        examples=["https://media.example/talk.mp4"],
    )
    assetId: str | None = Field(None, description="a file of GET /v2/assets")
    refId: str | None = Field(None, max_length=200, description="the name by which segments call it")

    @model_validator(mode="after")
    def _one_place(self) -> "MediaInput":
        if bool(self.url) == bool(self.assetId):
            raise ValueError("Give either url or assetId.")
        return self


class VideoInput(MediaInput):
    type: Literal["video"]
    segments_secs: list[tuple[float, float]] | None = Field(
        None,
        fail_fast=True,
        description="older than segments: the ranges to lipsync, in seconds, to the soundtrack at that time",
    )
    segments_frames: list[WholeNumbers] | None = Field(None, fail_fast=True, description="not used")


class AudioInput(MediaInput):
    type: Literal["audio"]


class ImageInput(MediaInput):
    type: Literal["image"]


class VoiceOfText(Incoming):
    name: str = Field(max_length=200, description="provider, as in GET /v2/voices", examples=["local"])
    voiceId: str = Field(max_length=200, description="as in GET /v2/voices")
    script: str = Field(min_length=1, max_length=5000, description="the words that are spoken")
    stability: float = Field(0.5, ge=0, le=1, description="used where the provider has it")
    similarityBoost: float = Field(0.75, ge=0, le=1, description="used where the provider has it")


class TextInput(Incoming):
    """A text that is spoken first; the sound is kept in the library."""

    type: Literal["text"]
    provider: VoiceOfText = Field(description="of a text: what is said, and by which voice")
    refId: str | None = Field(None, max_length=200, description="the name by which segments call it")


class SpeakText(Incoming):
    script: str = Field(min_length=1, max_length=5000, description="the words that are spoken")
    voiceId: str = Field(max_length=200, description="as in GET /v2/voices")
    provider: str = Field(max_length=200, description="as in GET /v2/voices", examples=["local"])
    stability: float | None = Field(None, ge=0, le=1)
    similarityBoost: float | None = Field(None, ge=0, le=1)
    speed: float | None = Field(None, gt=0, le=4, description="1 is the voice's own pace; the range is the provider's")


class CloneVoice(Incoming):
    """A voice learned from a recording of 30 seconds or more: one of ``url`` and ``assetId``."""

    provider: str = Field(max_length=200, description="as in GET /v2/voices")
    name: str = Field(min_length=1, max_length=100)
    url: str | None = Field(None, max_length=4000, description="of the recording; this or assetId")
    assetId: str | None = Field(None, description="a file of GET /v2/assets")

    @model_validator(mode="after")
    def _one_place(self) -> "CloneVoice":
        if bool(self.url) == bool(self.assetId):
            raise ValueError("Give either url or assetId.")
        return self


Input = Annotated[VideoInput | AudioInput | ImageInput | TextInput, Field(discriminator="type")]


class ActiveSpeaker(BaseModel):
    """Whose mouth is driven: one of these ways. Other fields are ignored and named in ``warnings``."""

    model_config = ConfigDict(extra="allow")
    auto_detect: bool = Field(False, description="whoever speaks")
    frame_number: int | None = Field(None, description="of the frame in which coordinates name a face; from 0")
    coordinates: Numbers | None = Field(None, description="x and y in pixels of the video as it is shown")
    bounding_boxes: Boxes | None = Field(
        None, description="for each frame [x1, y1, x2, y2] in pixels, or null to leave it alone"
    )
    bounding_boxes_url: str | None = Field(
        None, max_length=4000, description="the same as JSON at this address: an object with the list bounding_boxes"
    )
    kind: Literal["person", "all"] | None = Field(None, description="of this studio: the person with id, or everybody")
    id: int | None = Field(None, description="a person of GET /v2/assets/{asset_id}/check")


class Options(BaseModel):
    """Options by their documented names; what a model does not have is ignored and named in ``warnings``."""

    model_config = ConfigDict(extra="allow")
    sync_mode: str | None = Field(default=None, description="bounce (default), loop, cut_off, silence or remap")
    temperature: float | None = Field(default=None, description="0 to 1, default 0.5: how far the lips move")
    occlusion_detection_enabled: bool | None = Field(
        default=None, description="what passes before the mouth stays in front"
    )
    reasoning_enabled: bool | None = Field(default=None, description="look at the result again and mend it")
    reasoningEnabled: bool | None = Field(default=None, description="the same by its newer name")
    active_speaker_detection: ActiveSpeaker | bool | None = Field(default=None, description="whose mouth is driven")

    @model_validator(mode="after")
    def _few(self) -> "Options":
        if len(self.model_extra or {}) > UNKNOWN_OPTIONS:  # each of them gets a sentence, which is kept and listed
            raise ValueError(f"Give at most {UNKNOWN_OPTIONS} options that this studio does not have.")
        return self


class SegmentAudio(Incoming):
    """A sound of the inputs and the part of it that is heard."""

    refId: str = Field(max_length=200, description="of the sound among the inputs")
    startTime: float | None = Field(None, ge=0, description="seconds of the sound; default its beginning")
    endTime: float | None = Field(None, ge=0, description="default its end")


class Segment(Incoming):
    """A range of the video with a sound or options of its own; what lies outside all of them stays as it was."""

    startTime: float = Field(ge=0, description="seconds of the video")
    endTime: float = Field(ge=0, description="seconds of the video")
    audioInput: SegmentAudio | None = Field(None, description="null: the first sound as it stands at that time")
    lipsync: bool = Field(True, description="false: the range stays as it was, and what lies outside is lipsynced")
    optionsOverride: Options | None = Field(None, description="like options, for this range alone")


class CreateGeneration(Incoming):
    """A generation: a model, one picture (video or photo), a soundtrack or several for segments, and options."""

    model: str = Field(description="as in GET /v2/models", examples=["lipsync-2"])
    input: list[Input] = Field(max_length=20, description="one video or image, and what it is to say")
    options: Options = Options()
    segments: list[Segment] | None = Field(
        None, fail_fast=True, description="ranges with sounds or options of their own"
    )
    webhookUrl: str | None = Field(None, max_length=2000, description="told when it ends; public https address")
    outputFileName: str | None = Field(
        None, pattern=OUTPUT_NAME, description="letters, digits, _ and -, without an ending"
    )
    projectId: UUID | None = Field(None, description="default: the workspace's project API")
    dubParams: dict[str, Any] | None = Field(None, description="answers 422")
    dialogueEdit: dict[str, Any] | None = Field(None, description="answers 422")

    @model_validator(mode="before")
    @classmethod
    def _null_options(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("options", ...) is None:
            return {name: value for name, value in data.items() if name != "options"}
        return data


class NewShareLink(Incoming):
    lives: Literal["day", "week", "month", "open"] = Field("week", description="until it is taken back, where open")
    password: str | None = Field(None, max_length=128, description="asked for before the page shows anything")
    original: bool = Field(True, description="the page can show the original beside the result")
    comments: bool = Field(True, description="guests can write comments")
    downloads: bool = Field(False, description="guests can download the result")


class EstimateRequest(Incoming):
    model: str = Field(description="as in GET /v2/models", examples=["lipsync-2"])
    duration: float = Field(gt=0, le=24 * 3600, description="seconds")
    fps: float = Field(30, gt=0, le=1000, description="read for compatibility; the price counts 25 frames a second")
    reasoningEnabled: bool = False


class UploadRequest(Incoming):
    fileName: str = Field(min_length=1, max_length=255)
    contentType: str = Field("", description="sent again with the bytes")
    size: int = Field(gt=0, lt=2**63, description="bytes")


class RegisterAsset(Incoming):
    url: str = Field(max_length=4000, description="of an upload, or an address that the studio fetches")
    type: AssetType | None = Field(None, description="the file itself decides")
    name: str | None = Field(None, max_length=255)
    projectId: UUID | None = Field(None, description="a project that the file is put to")


class PatchAsset(Incoming):
    name: str | None = None
    visibility: Seen | None = None


Workflow = Literal["lipsync", "translate_and_dub", "image_to_video", "edit_dialogue"]


class NewProject(Incoming):
    name: str = Field(max_length=120)
    id: UUID | None = Field(None, description="an id of your own: sent again it gives the same project")
    description: str | None = Field(None, max_length=5000)
    visibility: Seen = "ORGANIZATION"
    mode: Literal["CREATOR"] = "CREATOR"
    defaultWorkflow: Workflow | None = Field(None, description="lipsync; others answer 422")


class PatchProject(Incoming):
    name: str | None = Field(None, max_length=120)
    description: str | None = Field(None, max_length=5000)
    visibility: Seen | None = None
    defaultWorkflow: Workflow | None = Field(None, description="lipsync; others answer 422")


class AttachAsset(Incoming):
    assetId: str = Field(description="a file of GET /v2/assets")


class WebhookAddress(Incoming):
    url: str = Field(max_length=2000, description="public https address; empty for none")
