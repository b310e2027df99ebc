"""What goes out, as the clients know it. The OpenAPI document is made from these and from ``schemas``."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from apps.api.schemas import AssetType

GenerationStatus = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED"]
BatchStatus = Literal["PENDING", "JOBS_CREATED", "PROCESSING", "COMPLETED", "FAILED"]


class Cost(BaseModel):
    estimatedFrameCount: int
    estimatedGenerationCost: float = Field(description="US dollars")
    estimatedSpeechSeconds: float | None = Field(None, description="of inputs of the type text")
    estimatedSpeechCost: float | None = Field(None, description="US dollars, for speaking them")


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
    synthesizedAudioUrl: str | None = Field(None, description="the spoken sound of an input of the type text")
    progress: dict[str, Any] | None = None


class ShareLink(BaseModel):
    id: UUID
    url: str
    createdAt: datetime
    expiresAt: datetime | None = Field(description="null: until it is taken back")
    password: bool = Field(description="whether the page asks for one")
    original: bool
    comments: bool
    downloads: bool


class Report(BaseModel):
    id: UUID
    status: GenerationStatus
    report: dict[str, Any] | None = Field(description="of the engine; null where there is no result")
    chargedSeconds: float | None
    chargedUsd: float
    events: list[dict[str, Any]]


class CostPart(BaseModel):
    type: Literal["lipsync", "speech_synthesis"]
    costUsd: float | None = Field(description="null: not known until the generation has ended")


class Costs(BaseModel):
    generationId: UUID
    components: list[CostPart]
    totalCostUsd: float | None = Field(description="null while a part is not known")
    knownSubtotalUsd: float
    excludedCosts: list[str] = Field(description="types of the parts that are not known yet")
    retryAfterSeconds: int | None


class Health(BaseModel):
    status: Literal["ok"]


class Count(BaseModel):
    count: int


class Finding(BaseModel):
    kind: str
    severity: Literal["INFO", "WARNING", "BLOCKING"]
    startSeconds: float
    endSeconds: float
    reason: str
    advice: dict[str, str] = Field(description="what to do, by the id of the model")
    fixes: list[dict[str, Any]]


class PersonSeen(BaseModel):
    id: int
    firstSeconds: float
    lastSeconds: float
    seconds: float
    share: float
    seenAtSeconds: float
    box: list[float] = Field(description="x, y, width, height at seenAtSeconds, in shares of the picture")
    fixed: bool = Field(description="a poster or an inset that stands still")


class FootageCheck(BaseModel):
    assetId: UUID
    status: Literal["WAITING", "RUNNING", "READY", "FAILED"]
    error: str | None = None
    errorCode: str | None = None
    durationSeconds: float | None = None
    suggestedModel: str | None = None
    cutsSeconds: list[float]
    findings: list[Finding]
    people: list[PersonSeen]


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
    speech: dict[str, Any] | None = Field(None, description="of spoken text: script, voice, provider, settings")


class AssetPage(BaseModel):
    items: list[Asset]
    nextCursor: str | None = None
    totalCount: int


class UploadTicket(BaseModel):
    uploadUrl: str = Field(description="PUT the bytes here; no key is needed")
    url: str = Field(description="register this by POST /v2/assets")
    expiresIn: int = Field(description="seconds")


class Received(BaseModel):
    received: int = Field(description="bytes that are here")
    size: int = Field(description="bytes that were announced")


class Voice(BaseModel):
    id: str
    voiceId: str
    internalVoiceId: str | None = None
    name: str
    provider: str
    previewUrl: str | None = None
    restriction: str | None = None
    language: str = ""
    description: str = ""
    cloned: bool = False


class Speech(BaseModel):
    id: UUID
    url: str
    duration: float = Field(description="seconds")
    assetId: UUID


class SpeechJob(BaseModel):
    id: UUID
    status: Literal["PENDING", "PROCESSING", "SUCCESS", "FAILED"]
    url: str | None
    duration: float | None = Field(description="seconds")
    assetId: UUID | None
    error: str | None
    errorCode: str | None
    suggestion: str | None
    createdAt: datetime
    startedAt: datetime | None
    finishedAt: datetime | None


class ModelInfo(BaseModel):
    id: str
    name: str
    type: Literal["lipsync", "react"]
    version: str
    description: str
    deprecatedAt: datetime | None = None


class Project(BaseModel):
    id: UUID
    name: str
    description: str | None
    createdAt: datetime
    updatedAt: datetime
    visibility: Literal["USER", "ORGANIZATION"]
    mode: Literal["CREATOR"] = "CREATOR"
    defaultWorkflow: Literal["lipsync"] = "lipsync"


class ProjectPage(BaseModel):
    items: list[Project]
    nextCursor: str | None = None


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
    body: str = Field(description="what was sent, as it was signed")
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
    totalTtsSeconds: float


class Usage(BaseModel):
    since: datetime
    plan: str
    usage: UsageFigures
    credits: dict[str, float] = Field(description="US dollars: balance, and of it available and inFlight (held)")
    freeMonthlyLimits: dict[str, int] = Field(description="what the plan includes each month")
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
