"""The desk as a WSGI application; `doorward desk` serves it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "doorward.desk.settings")
application = get_wsgi_application()
