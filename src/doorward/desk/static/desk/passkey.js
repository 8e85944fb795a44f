// What went wrong with a passkey, said on the page: the browser's own words for it are for developers.
"use strict";
(() => {
  const SAID = {
    NotAllowedError: "Nothing was done: it was cancelled, took too long, or this device has no passkey for this desk.",
    InvalidStateError: "This device or key is one of your passkeys already.",
    SecurityError: "Passkeys do not work at this address. They need the desk's name, over HTTPS with a certificate that this device trusts.",
  };
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    const place = document.getElementById("passkey-fault");
    const error = event.detail.exception;
    place.textContent = SAID[error && error.name] || "The passkey could not be used. Try again, or use another way.";
    place.hidden = false;
  });
})();
