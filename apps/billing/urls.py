"""Addresses of the billing page, below a workspace."""

from django.urls import path

from apps.billing import views

app_name = "billing"
urlpatterns = [
    path("", views.billing, name="billing"),
    path("plan/<slug:code>/", views.plan, name="plan"),
    path("cap/", views.cap, name="cap"),
    path("details/", views.details, name="details"),
    path("credit/", views.credit, name="credit"),
    path("portal/", views.portal, name="portal"),
    path("invoices.csv", views.invoices_csv, name="invoices_csv"),
    path("invoices/<uuid:invoice_id>.pdf", views.invoice, name="invoice"),
    path("invoices/<uuid:invoice_id>/pay/", views.pay, name="pay"),
]
