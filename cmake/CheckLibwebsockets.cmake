# The daemon relies on parts of libwebsockets that are chosen when the library is built.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_LIBRARIES PkgConfig::LWS PkgConfig::OPENSSL)
check_c_source_compiles("
#include <libwebsockets.h>
#if !defined(LWS_ROLE_WS) || !defined(LWS_ROLE_H1)
#error no WebSocket server
#endif
#if !defined(LWS_WITH_LIBUV)
#error no libuv event loop
#endif
#if !defined(LWS_WITH_TLS) || defined(LWS_WITH_MBEDTLS) || defined(LWS_WITH_GNUTLS)
#error not built on OpenSSL
#endif
int main(void) { return 0; }
" NAKODO_LWS_SUITABLE)
unset(CMAKE_REQUIRED_LIBRARIES)
if(NOT NAKODO_LWS_SUITABLE)
  message(FATAL_ERROR
    "libwebsockets must be built with the WebSocket and HTTP/1 roles, libuv and OpenSSL. "
    "On Debian: apt install libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libssl-dev")
endif()
