// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {HostileWallet} from "./HostileWallet.sol";

/// @dev A token that keeps a fee, answers false or nothing, reverts, has a blocklist, refuses nothing-at-all, or calls
/// back before it moves anything, as its holders could with ERC-777.
contract HostileToken is ERC20("Hostile", "H") {
    enum Mood {
        Honest,
        KeepsFee,
        AnswersFalse,
        AnswersNothing,
        Reverts,
        RefusesZero
    }

    Mood public mood;
    mapping(address account => bool) public blocked;
    uint256 public called; // how many calls back succeeded
    HostileWallet private _caller;
    address private _target;
    bytes private _call;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function behave(Mood mood_) external {
        mood = mood_;
    }

    function blocklist(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    /// @dev What `caller` does at the next transfer, once; its failure is swallowed.
    function callBack(HostileWallet caller, address target, bytes calldata data) external {
        (_caller, _target, _call) = (caller, target, data);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0)) return super._update(from, to, amount);
        require(mood != Mood.Reverts && !blocked[from] && !blocked[to], "blocked");
        require(mood != Mood.RefusesZero || amount != 0, "zero");
        HostileWallet caller = _caller;
        _caller = HostileWallet(address(0));
        if (address(caller) != address(0)) {
            try caller.act(_target, _call) {
                ++called;
            } catch {}
        }
        if (mood == Mood.AnswersFalse) return;
        super._update(from, to, amount);
        if (mood == Mood.KeepsFee && amount != 0) _burn(to, 1);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        super.transfer(to, amount);
        return answer();
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        return answer();
    }

    function answer() private view returns (bool) {
        if (mood != Mood.AnswersNothing) return mood != Mood.AnswersFalse;
        assembly {
            return(0, 0)
        }
    }
}
