"""Addresses for coming in. allauth has more: signing up, mail, resetting and setting passwords, connecting providers.

Those are left out, not switched off: a federated account that sets a password, or a local one that connects a provider,
would be both, and closing it in one place would not close it.
"""

from allauth.account import views as account
from django.urls import include, path

from doorward.desk.entrance import first, provider

urlpatterns = [
    path("login/", account.login, name="account_login"),
    path("logout/", first.leave, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", first.change, name="account_change_password"),
    path("everywhere/", first.everywhere, name="account_everywhere"),
    path("first/<slug:who>/<slug:token>/", first.first, name="account_first"),
    path("factor/", include("allauth.mfa.urls")),
    path("oidc/<slug:provider_id>/login/", provider.login, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", provider.callback, name="openid_connect_callback"),
    path("oidc/cancelled/", provider.cancelled, name="socialaccount_login_cancelled"),
]
