// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title The token that jobs are paid in
/// @notice A plain ERC-20 with EIP-2612 permits, no owner and no minting, but for a faucet on test networks.
contract ResourceToken is ERC20, ERC20Permit {
    /// @notice What one call of the faucet gives, in base units.
    uint256 public constant FAUCET_AMOUNT = 1000e18;
    /// @notice Seconds between two calls of the faucet by one address.
    uint256 public constant FAUCET_PERIOD = 1 hours;

    /// @notice Second from which an address may use the faucet again.
    mapping(address account => uint256) public faucetOpensAt;

    /// @notice This chain is not a test network.
    error FaucetClosed();
    /// @notice This address has used it too lately.
    error FaucetUsed(uint256 opensAt);

    /// @notice Makes the whole supply.
    /// @param holder gets the whole supply
    /// @param supply in base units
    constructor(address holder, uint256 supply)
        ERC20("DRaaS Resource Token", "DRT")
        ERC20Permit("DRaaS Resource Token")
    {
        _mint(holder, supply);
    }

    /// @notice Gives the caller `FAUCET_AMOUNT`, on test networks only and at most once per `FAUCET_PERIOD`.
    function faucet() external {
        if (!_isTestNetwork()) revert FaucetClosed();
        uint256 opensAt = faucetOpensAt[msg.sender];
        if (block.timestamp < opensAt) revert FaucetUsed(opensAt);
        faucetOpensAt[msg.sender] = block.timestamp + FAUCET_PERIOD;
        _mint(msg.sender, FAUCET_AMOUNT);
    }

    /// @dev Ganache (1337 and 5777), Anvil (31337) and Sepolia.
    function _isTestNetwork() private view returns (bool) {
        return block.chainid == 1337 || block.chainid == 5777 || block.chainid == 31337 || block.chainid == 11155111;
    }
}
