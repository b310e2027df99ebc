"""What comes in and goes out, as the clients know it. The OpenAPI document is made from these."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

OUTPUT_NAME = r"^[A-Za-z0-9_-]{1,255}$"
GenerationStatus = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED"]
BatchStatus = Literal["PENDING", "JOBS_CREATED", "PROCESSING", "COMPLETED", "FAILED"]
AssetType = Literal["AUDIO", "VIDEO", "IMAGE"]


class Incoming(BaseModel):
    """Fields that are not known are left aside: newer clients may send more."""

    model_config = ConfigDict(extra="ignore")


class MediaInput(Incoming):
    """A file by its address or its id in the library."""

    url: str | None = Field(None, max_length=4000, examples=["https://media.example/talk.mp4"])
    assetId: str | None = None
    refId: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "MediaInput":
        if bool(self.url) == bool(self.assetId):
            raise ValueError("Give either url or assetId.")
        return self


class VideoInput(MediaInput):
    type: Literal["video"]
    segments_secs: list[list[float]] | None = None
    segments_frames: list[list[int]] | None = None


class AudioInput(MediaInput):
    type: Literal["audio"]


class ImageInput(MediaInput):
    type: Literal["image"]


class VoiceOfText(Incoming):
    name: str
    voiceId: str
    script: str = Field(max_length=5000)
    stability: float = Field(0.5, ge=0, le=1)
    similarityBoost: float = Field(0.75, ge=0, le=1)


class TextInput(Incoming):
    type: Literal["text"]
    provider: VoiceOfText
    refId: str | None = None


Input = Annotated[VideoInput | AudioInput | ImageInput | TextInput, Field(discriminator="type")]


class ActiveSpeaker(Incoming):
    auto_detect: bool = False
    frame_number: int | None = None
    coordinates: list[float] | None = None
    bounding_boxes: list[list[float] | None] | None = None
    bounding_boxes_url: str | None = None


class Options(BaseModel):
    """Options by their documented names; what a model does not have is ignored and named in ``warnings``."""

    model_config = ConfigDict(extra="allow")
    sync_mode: str | None = Field(default=None, description="bounce (default), loop, cut_off, silence or remap")
    temperature: float | None = Field(default=None, description="0 to 1, default 0.5: how far the lips move")
    occlusion_detection_enabled: bool | None = None
    reasoning_enabled: bool | None = None
    reasoningEnabled: bool | None = None
    active_speaker_detection: ActiveSpeaker | bool | None = None


class SegmentAudio(Incoming):
    refId: str
    startTime: float | None = None
    endTime: float | None = None


class Segment(Incoming):
    startTime: float
    endTime: float
    audioInput: SegmentAudio
    optionsOverride: dict[str, Any] | None = None


class CreateGeneration(Incoming):
    """A generation: a model, one video, one soundtrack and options."""

    model: str = Field(examples=["lipsync-2"])
    input: list[Input] = Field(max_length=20)
    options: Options = Options()
    segments: list[Segment] | None = None
    webhookUrl: str | None = Field(None, max_length=2000)
    outputFileName: str | None = Field(None, pattern=OUTPUT_NAME)
    projectId: UUID | None = None
    dubParams: dict[str, Any] | None = None
    dialogueEdit: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _null_options(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("options", ...) is None:
            return {name: value for name, value in data.items() if name != "options"}
        return data


class EstimateRequest(Incoming):
    model: str = Field(examples=["lipsync-2"])
    duration: float = Field(gt=0, le=24 * 3600, description="seconds")
    fps: float = Field(30, gt=0, le=1000, description="read for compatibility; the price counts 25 frames a second")
    reasoningEnabled: bool = False


class Cost(BaseModel):
    estimatedFrameCount: int
    estimatedGenerationCost: float = Field(description="US dollars")


class Estimate(Cost):
    estimatedCredits: float | None = None


class Generation(BaseModel):
    """A generation. ``error_code`` and ``errorCode`` are the same; so are ``outputUrl`` and ``outputMediaUrl``."""

    id: UUID
    createdAt: datetime
    status: GenerationStatus
    model: str
    input: list[dict[str, Any]]
    options: dict[str, Any]
    segments: list[dict[str, Any]] | None = None
    outputUrl: str | None = None
    outputMediaUrl: str | None = None
    outputDuration: float | None = None
    segmentOutputUrl: str | None = None
    error: str | None = None
    error_code: str | None = None
    errorCode: str | None = None
    suggestion: str | None = None
    webhookUrl: str | None = None
    outputFileName: str | None = None
    projectId: UUID | None = None
    source: str = "api"
    warnings: list[str] = []
    progress: dict[str, Any] | None = None


class Count(BaseModel):
    count: int


class Deleted(BaseModel):
    id: UUID


class Asset(BaseModel):
    id: UUID
    createdAt: datetime
    updatedAt: datetime
    name: str
    url: str | None
    size: int
    format: str | None
    type: AssetType | None
    inputType: str
    durationSeconds: float | None
    thumbnailUrl: str | None
    visibility: Literal["USER", "ORGANIZATION"]
    width: int | None
    height: int | None
    status: str
    error: str | None = None


class AssetPage(BaseModel):
    items: list[Asset]
    nextCursor: str | None = None
    totalCount: int


class UploadRequest(Incoming):
    fileName: str = Field(min_length=1, max_length=255)
    contentType: str = ""
    size: int = Field(gt=0)


class UploadTicket(BaseModel):
    uploadUrl: str = Field(description="PUT the bytes here; no key is needed")
    url: str = Field(description="register this by POST /v2/assets")
    expiresIn: int = Field(description="seconds")


class RegisterAsset(Incoming):
    url: str = Field(max_length=4000)
    type: AssetType | None = None
    name: str | None = Field(None, max_length=255)
    projectId: UUID | None = None


class PatchAsset(Incoming):
    name: str | None = None
    visibility: Literal["USER", "ORGANIZATION"] | None = None


class ModelInfo(BaseModel):
    id: str
    name: str
    type: Literal["lipsync", "react"]
    version: str
    description: str
    deprecatedAt: datetime | None = None


class NewProject(Incoming):
    name: str = Field(max_length=120)
    id: UUID | None = None


class PatchProject(Incoming):
    name: str = Field(max_length=120)


class Project(BaseModel):
    id: UUID
    name: str
    createdAt: datetime
    updatedAt: datetime
    visibility: Literal["ORGANIZATION"] = "ORGANIZATION"
    defaultWorkflow: Literal["lipsync"] = "lipsync"


class ProjectPage(BaseModel):
    items: list[Project]
    nextCursor: str | None = None


class WebhookAddress(Incoming):
    url: str = Field(max_length=2000)


class Webhook(BaseModel):
    url: str | None
    secret: str
    disabledAt: datetime | None
    previousSecretSignsUntil: datetime | None


class Delivery(BaseModel):
    id: UUID
    event: str
    generationId: UUID | None
    url: str
    state: Literal["waiting", "delivered", "given_up"]
    tries: int
    nextTryAt: datetime | None
    answerStatus: int | None
    answer: str
    createdAt: datetime


class BatchMetrics(BaseModel):
    total_generations: int
    success_count: int
    failed_count: int
    pending_count: int


class Batch(BaseModel):
    id: UUID
    created_at: datetime
    status: BatchStatus
    metrics: BatchMetrics
    webhookUrl: str | None
    outputUrl: str | None


class UsageFigures(BaseModel):
    totalGenerations: int
    totalSeconds: float
    totalFrames: int
    totalCostCents: float


class Usage(BaseModel):
    since: datetime
    plan: str
    usage: UsageFigures
    credits: dict[str, float]
    limits: dict[str, int | None]
    activeGenerations: int


class Validated(BaseModel):
    status: Literal["VALIDATED"]


class ErrorEntry(BaseModel):
    code: str
    message: str
    suggestion: str


class Failure(BaseModel):
    """The one shape of every failure."""

    statusCode: int
    message: str | list[str]
    error: str
    errorCode: str
    suggestion: str
    field: str | None = None
    requestId: str
