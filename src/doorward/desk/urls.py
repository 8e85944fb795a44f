"""Every address of the desk; `tests/desk/test_access_matrix.py` asks each as everybody."""

from django.urls import include, path

from doorward.desk.views import acts, home, matters, new, registers

urlpatterns = [
    path("", home.home, name="home"),
    path("new/", new.choose, name="new"),
    path("new/<slug:kind>/", new.form, name="new-kind"),
    path("matters/", matters.listing, name="matters"),
    path("matters/<uuid:key>/", matters.page, name="matter"),
    path("matters/<uuid:key>/verify/", acts.verify, name="verify"),
    path("matters/<uuid:key>/answer/", acts.answer, name="answer"),
    path("matters/<uuid:key>/seal/", acts.seal, name="seal"),
    path("registers/", registers.registers, name="registers"),
    path("overview/", home.overview, name="overview"),
    path("queue/", matters.queue, name="queue"),
    path("favicon.ico", home.icon),
    path("play/", home.play, name="play"),
    path("account/", include("allauth.account.urls")),
    path("account/factor/", include("allauth.mfa.urls")),
    path("account/provider/", include("allauth.socialaccount.urls")),
    path("account/oidc/", include("allauth.socialaccount.providers.openid_connect.urls")),
]
