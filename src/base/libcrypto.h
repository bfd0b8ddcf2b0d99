#pragma once

// For the functions of SHA-256, which OpenSSL 3 would have called through EVP.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/library.h"

/// The functions of libcrypto that are used here, under their own names: it is opened by the first call.
namespace envtool {

inline constexpr Library libcrypto{"libcrypto.so.3", "sudo apt-get install libssl3"};

ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_DecodeBlock)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_DigestFinal_ex)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_DigestInit_ex)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_DigestUpdate)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_EncodeBlock)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_CTX_free)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_CTX_new)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_fetch)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_final)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_free)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_init)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MAC_update)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MD_CTX_copy_ex)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MD_CTX_free)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_MD_CTX_new)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_PKEY_Q_keygen)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_PKEY_free)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_PKEY_get_raw_private_key)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_PKEY_get_raw_public_key)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, EVP_get_digestbyname)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, RAND_bytes)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, SHA256)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, SHA256_Final)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, SHA256_Init)
ENVTOOL_LIBRARY_FUNCTION(libcrypto, SHA256_Update)

}  // namespace envtool
