"""Every address of the desk; `tests/desk/test_access_matrix.py` asks each as everybody."""

from django.urls import include, path

from doorward.desk.views import acts, custody, home, letter, live, matters, new, registers, reports, visits

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
    path("reports/", reports.listing, name="reports"),
    path("reports/filed/<uuid:key>/", reports.filed, name="filed-report"),
    path("reports/filed/<uuid:key>/folder.zip", reports.folder, name="report-folder"),
    path("reports/filed/<uuid:key>/<str:name>", reports.file, name="report-file"),
    path("reports/line/<uuid:key>/", reports.line, name="report-line"),
    path("reports/<slug:name>/<slug:period>/", reports.report, name="report"),
    path("custody/", custody.imports, name="custody"),
    path("queue/", matters.queue, name="queue"),
    path("queue/live/", live.live, name="live"),
    path("notices/again/", home.try_notices, name="notices-again"),
    path("favicon.ico", home.icon),
    path("play/", home.play, name="play"),
    path("account/", include("doorward.desk.entrance.addresses")),
]
