-- As much of Torch7 as reward_factory.lua and util.lua of MIXER use: dense tensors of doubles, and threads that are run at once.
local Tensor = {}

local function view(storage, offset, sizes, strides)
   return setmetatable({storage = storage, offset = offset, sizes = sizes, strides = strides}, Tensor)
end

local function new(...)
   local sizes, count, strides = {...}, 1, {}
   for d = #sizes, 1, -1 do
      strides[d] = count
      count = count * sizes[d]
   end
   local storage = {}
   for i = 1, count do storage[i] = 0 end
   return view(storage, 0, sizes, strides)
end

local methods = {}
function methods.size(self, d) return self.sizes[d] end
function methods.narrow(self, d, first, size)
   local sizes = {unpack(self.sizes)}
   sizes[d] = size
   return view(self.storage, self.offset + (first - 1) * self.strides[d], sizes, self.strides)
end
function methods.select(self, d, at)
   local sizes, strides = {unpack(self.sizes)}, {unpack(self.strides)}
   local offset = self.offset + (at - 1) * strides[d]
   table.remove(sizes, d)
   table.remove(strides, d)
   return view(self.storage, offset, sizes, strides)
end
-- Only vectors are gone through.
local function each(self, f)
   assert(#self.sizes == 1)
   for i = 1, self.sizes[1] do
      local place = self.offset + (i - 1) * self.strides[1] + 1
      self.storage[place] = f(self.storage[place], i)
   end
   return self
end
function methods.fill(self, value) return each(self, function() return value end) end
function methods.copy(self, other) return each(self, function(_, i) return other[i] end) end
-- With one argument: a second one is a base.
function methods.log(self) return each(self, function(x) return math.log(x) end) end
function methods.exp(self) return each(self, function(x) return math.exp(x) end) end
function methods.div(self, by) return each(self, function(x) return x / by end) end
function methods.resize(self, size)
   local fresh = new(size)
   self.storage, self.offset, self.sizes, self.strides = fresh.storage, 0, fresh.sizes, fresh.strides
   return self
end
function methods.eq(self, value)
   local result = new(self.sizes[1])
   for i = 1, self.sizes[1] do result[i] = self[i] == value and 1 or 0 end
   return result
end
function methods.sum(self, d)
   local total = 0
   for i = 1, self.sizes[1] do total = total + self[i] end
   if d == nil then return total end
   local result = new(1)
   result[1] = total
   return result
end
Tensor.__index = function(self, key)
   if type(key) ~= 'number' then return methods[key] end
   if #self.sizes == 1 then return self.storage[self.offset + (key - 1) * self.strides[1] + 1] end
   return self:select(1, key)
end
Tensor.__newindex = function(self, key, value)
   if type(key) ~= 'number' then return rawset(self, key, value) end
   assert(#self.sizes == 1)
   self.storage[self.offset + (key - 1) * self.strides[1] + 1] = type(value) == 'table' and value[1] or value
end

torch = {Tensor = new, zeros = new}
function torch.class(name)
   local class = {}
   class.__index = class
   _G[name] = setmetatable({}, {__call = function(_, ...)
      local object = setmetatable({}, class)
      object:__init(...)
      return object
   end})
   return class
end
local pool = {}
function pool.specific() end
function pool.synchronize() end
function pool.addjob(_, first, ...)
   if type(first) == 'number' then return end
   first(select(2, ...))
end
package.loaded.xlua = {}
package.loaded.threads = {serialization = function() end, Threads = function() return pool end}
paths = {dofile = function(file) return dofile(MIXER .. '/' .. file) end}
