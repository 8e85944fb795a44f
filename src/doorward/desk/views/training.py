"""Training: what somebody is asked to work through, that they did, and the list of those who oversee it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from doorward.desk.access import Actor
from doorward.desk.front_mount import app_address
from doorward.desk.training import (
    acknowledge,
    as_csv,
    list_learners,
    offers,
    tenants_overseen,
)
from doorward.desk.views.acts import NOT_RECORDED
from doorward.desk.views.signed_in import for_actor
from doorward.errors import ConfigError, StoreError


@require_http_methods(["GET", "POST"])
@for_actor
def training(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return what somebody is asked to work through; sent, that they did."""
    if request.method == "POST":
        try:
            acknowledge(actor, request.POST.get("tenant", ""), request.POST.get("version", ""))
            messages.success(request, "recorded: you have worked through it")
        except StoreError:
            messages.error(request, NOT_RECORDED)
        except ConfigError as error:
            messages.error(request, str(error))
        return redirect("training")
    oversees_training = bool(tenants_overseen(actor))
    shown = {
        "offers": [(one, app_address(one.tenant)) for one in offers(actor)],
        "learners": list_learners(actor) if oversees_training else [],
        "oversees_training": oversees_training,
    }
    return render(request, "desk/training.html", shown)


@require_safe
@for_actor
def training_csv(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Return the list as CSV, for those who oversee it."""
    if not tenants_overseen(actor):
        return render(request, "desk/may_not.html", status=403)
    headers = {"Content-Disposition": 'attachment; filename="training.csv"'}
    return HttpResponse(as_csv(list_learners(actor)), content_type="text/csv; charset=utf-8", headers=headers)
