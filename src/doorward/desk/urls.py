"""Every address of the desk; `tests/desk/test_access_matrix.py` asks each as everybody."""

from django.urls import include, path

from doorward.desk.views import acts, home, letter, matters, new, registers, visits

urlpatterns = [
    path("", home.home, name="home"),
    path("new/", new.choose, name="new"),
    path("new/<slug:kind>/", new.form, name="new-kind"),
    path("matters/", matters.listing, name="matters"),
    path("matters/<uuid:key>/", matters.page, name="matter"),
    path("matters/<uuid:key>/verify/", acts.verify, name="verify"),
    path("matters/<uuid:key>/answer/", acts.answer, name="answer"),
    path("matters/<uuid:key>/seal/", acts.seal, name="seal"),
    path("visits/", visits.listing, name="visits"),
    path("visits/<uuid:key>/", visits.page, name="visit"),
    path("phones/", visits.phones, name="phones"),
    path("registers/", registers.registers, name="registers"),
    path("overview/", home.overview, name="overview"),
    path("matters/<uuid:key>/letter/", letter.letter, name="letter"),
    path("queue/", matters.queue, name="queue"),
    path("favicon.ico", home.icon),
    path("play/", home.play, name="play"),
    path("account/", include("doorward.desk.entrance.addresses")),
]
