"""Lists of the studio's tables for looking things up."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from apps.accounts.models import User
from apps.assets.models import Asset
from apps.billing.models import (
    BillingProfile,
    Entry,
    Invoice,
    InvoiceLine,
    Plan,
    ProviderEvent,
    Subscription,
    Transaction,
)
from apps.generations.models import Generation
from apps.operations.models import StaffAction
from apps.workspaces.models import Membership, Workspace


class LookOnly:
    """No row is added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)


class Looking(LookOnly, ModelAdmin):
    list_per_page = 30
    show_full_result_count = False  # a count over a million rows for a line nobody reads


class EntryInline(LookOnly, TabularInline):
    model = Entry
    fields = ["account", "amount_micros"]


class LineInline(LookOnly, TabularInline):
    model = InvoiceLine
    fields = ["text", "project", "takes", "frames", "amount_micros"]


class MemberInline(LookOnly, TabularInline):
    model = Membership
    fields = ["user", "role"]


@admin.register(User)
class UserAdmin(Looking):
    """Superusers say who is staff; the rest of an account belongs to its person."""

    list_display = ["email", "name", "is_staff", "is_active", "date_joined"]
    search_fields = ["email", "name"]
    list_filter = ["is_staff", "is_active"]
    fields = ["email", "name", "is_staff", "is_active", "date_joined", "last_login"]
    readonly_fields = ["email", "name", "date_joined", "last_login"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


@admin.register(Workspace)
class WorkspaceAdmin(Looking):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    inlines = [MemberInline]


@admin.register(Plan)
class PlanAdmin(Looking):
    list_display = ["name", "valid_from", "monthly_cents", "max_duration_s", "max_concurrent", "discount_permille"]


@admin.register(Subscription)
class SubscriptionAdmin(Looking):
    list_display = ["workspace", "plan", "extra_seats", "started_at", "ended_at", "period_end"]
    list_select_related = ["workspace", "plan"]
    list_filter = ["plan__code"]


@admin.register(BillingProfile)
class BillingProfileAdmin(Looking):
    list_display = ["workspace", "cap_micros", "paused_at", "country", "vat_id"]
    list_select_related = ["workspace"]
    search_fields = ["workspace__name", "vat_id", "customer_ref"]


@admin.register(Invoice)
class InvoiceAdmin(Looking):
    list_display = ["number", "workspace", "subject", "status", "issued_at", "due_at", "total_cents", "applied_cents"]
    list_select_related = ["workspace"]
    list_filter = ["status"]
    search_fields = ["number", "workspace__name", "payment_ref"]
    inlines = [LineInline]


@admin.register(Transaction)
class TransactionAdmin(Looking):
    list_display = ["created_at", "kind", "workspace", "subject", "memo"]
    list_select_related = ["workspace"]
    list_filter = ["kind"]
    search_fields = ["=idempotency_key", "=subject"]
    inlines = [EntryInline]
    ordering = ["-created_at"]


@admin.register(ProviderEvent)
class ProviderEventAdmin(Looking):
    list_display = ["created_at", "provider", "kind", "event_id", "outcome"]
    list_filter = ["kind"]
    search_fields = ["=event_id"]


@admin.register(StaffAction)
class StaffActionAdmin(Looking):
    list_display = ["created_at", "actor", "action", "workspace", "reason"]
    list_select_related = ["actor", "workspace"]
    list_filter = ["action"]


@admin.register(Generation)
class GenerationAdmin(Looking):
    list_display = ["created_at", "workspace", "model", "status", "error_code", "quoted_seconds", "charged_micros"]
    list_select_related = ["workspace"]
    list_filter = ["status", "model"]
    search_fields = ["=id", "=error_code"]


@admin.register(Asset)
class AssetAdmin(Looking):
    list_display = ["created_at", "name", "workspace", "kind", "origin", "status", "size"]
    list_select_related = ["workspace"]
    list_filter = ["kind", "origin", "status"]
    search_fields = ["=id", "name"]
