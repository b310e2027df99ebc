from django.apps import AppConfig
from django.contrib.admin import apps as admin


class OperationsConfig(AppConfig):
    name = "apps.operations"
    default = True


class StudioAdminConfig(admin.AdminConfig):
    """Django's admin with our site; it stands in the list of apps in the place of ``django.contrib.admin``."""

    default = False
    default_site = "apps.operations.site.StudioAdmin"
