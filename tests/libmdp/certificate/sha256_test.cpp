#include "libmdp/certificate/sha256.hpp"

#include <catch2/catch.hpp>

using mdp::certificate::Sha256;

TEST_CASE("SHA-256: the vectors of FIPS 180-4 and its examples") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256().add("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().add("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(Sha256().add(std::string(1'000'000, 'a')).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not see how a text is cut") {
  const std::string text(300, 'x');
  const std::string whole = Sha256().add(text).hex();
  for (const std::size_t cut : {1U, 55U, 63U, 64U, 65U, 128U, 299U}) {
    CHECK(Sha256().add(std::string_view(text).substr(0, cut)).add(std::string_view(text).substr(cut)).hex() == whole);
  }
}
