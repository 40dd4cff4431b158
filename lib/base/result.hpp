#pragma once
// Result<T>: a value or an Error; dropping one is a compile-time warning.
#include <boost/system/result.hpp>

#include "base/error.hpp"

namespace reeld {

template <class T>
class [[nodiscard]] Result : public boost::system::result<T, Error> {
  public:
    using boost::system::result<T, Error>::result;
};

using Status = Result<void>;

inline Status ok() { return Status{}; }

}  // namespace reeld
