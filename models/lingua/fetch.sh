#!/bin/sh
# Chromium's translated strings (BSD-3-Clause), from Debian's package of them, unpacked into .cache/
# without installing it; American English comes from the installed package chromium. Needs apt-get and
# dpkg-deb; 9 MB. The release used 156.0.8078.108-1~deb12u1 of both.
set -e
cd "$(dirname "$0")" && mkdir -p .cache && cd .cache
apt-get download chromium-l10n
dpkg-deb -x chromium-l10n_*.deb l10n
cp /usr/lib/chromium/locales/en-US.pak l10n/usr/lib/chromium/locales/
